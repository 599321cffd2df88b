#pragma once

#include <string>

#include "common/spooled_text.hpp"
#include "common/tool.hpp"
#include "insitu/fsck/finding.hpp"
#include "insitu/fsck/repair.hpp"

namespace insitu::apps {

// Prints findings and plan as they come: as lines, or as the arrays of one JSON document. The plan
// of a JSON document waits in a temporary file, whatever its length.
class FsckReport final : public FindingSink {
  public:
    FsckReport(const Tool& tool, std::string image, const char* mode);

    void found(const Finding& finding) override;
    void planned(const PlannedAction& action) override;

    // Ends the document with these members, or does nothing for text.
    void end(const Json& members);

  private:
    void begin();

    const Tool& tool_;
    std::string image_;
    const char* mode_;
    bool begun_ = false;
    bool first_finding_ = true;
    bool first_action_ = true;
    SpooledText plan_;
};

// "3 errors, 1 warning"; "clean" without errors and warnings.
std::string counts_text(const FindingCounts& counts);
Json counts_json(const FindingCounts& counts);

}  // namespace insitu::apps
