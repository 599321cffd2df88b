// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "common/tool.hpp"
#include "insitu/internal/ops/update_totals.hpp"
#include "insitu/open_store.hpp"

namespace insitu::apps {

// An image file or device that is brought to other content in place.
class UpdateTarget {
  public:
    // Locks it. Throws `io` and `refused` Errors. Outlives the work.
    UpdateTarget(Tool& tool, const std::string& path);
    Store& store() const noexcept { return *store_; }
    // Calls work(), and gives its result. If it fails half-way, the tool also says what is left.
    template <class Work>
    auto run(Work work) {
        try {
            return work();
        } catch (...) {
            say_what_is_left();
            throw;
        }
    }
    // Gives the host back what is in holes now. `update`: of the work that is done.
    void finish(const UpdateTotals& update);

  private:
    void say_what_is_left() const noexcept;

    Tool& tool_;
    std::string path_;
    OwnedStore store_;
};

// What an update came to, as a member of a report and as a line of text.
void add_update(Json& document, const UpdateTotals& update);
std::string update_text(const UpdateTotals& update);

}  // namespace insitu::apps
