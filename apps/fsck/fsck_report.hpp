// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/spooled_text.hpp"
#include "common/tool.hpp"
#include "insitu/error.hpp"
#include "insitu/finding.hpp"
#include "insitu/repair.hpp"

namespace insitu::apps {

// Prints findings and plan as they come: as lines, or as the arrays of one JSON document. The plan
// of a JSON document waits in a temporary file, whatever its length. The report of a repair that
// cannot be written ends the report, never the repair.
class FsckReport final : public FindingSink {
  public:
    FsckReport(Tool& tool, std::string image, const char* mode);

    void found(const Finding& finding) override;
    void planned(const PlannedAction& action) override;

    void line(const std::string& text) { put_text(text + "\n"); }

    // Ends the document with these members, or does nothing for text.
    void end(const Json& members);

    // The exit status: that of the work, and `fsck_failed` if somebody waited for the report and
    // did not get it. Says so.
    int status(int of_work);

  private:
    void begin();
    void put(std::string_view text);       // as it is: JSON
    void put_text(std::string_view text);  // for people
    void lose(const Error& error);
    bool repairs() const noexcept;

    Tool& tool_;
    std::string image_;
    const char* mode_;
    bool begun_ = false;
    bool first_finding_ = true;
    bool first_action_ = true;
    SpooledText plan_;
    std::optional<Error> lost_;  // why there is no more report
};

// "3 errors, 1 warning"; "clean" without errors and warnings.
std::string counts_text(const FindingCounts& counts);
Json counts_json(const FindingCounts& counts);

}  // namespace insitu::apps
