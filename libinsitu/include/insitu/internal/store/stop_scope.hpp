// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>

namespace insitu {

// While it lives, stores that this thread opens ask `stopped` as long as they wait for another
// machine, from whichever thread; what does not answer then is given up with a `cancelled` Error.
// `stopped` outlives those stores. Scopes may be nested: the innermost counts.
class StopScope {
  public:
    using Stopped = std::function<bool()>;

    explicit StopScope(Stopped stopped);
    ~StopScope();
    StopScope(const StopScope&) = delete;
    StopScope& operator=(const StopScope&) = delete;

    // That of this thread; without a scope one that is never true.
    static Stopped current();

  private:
    Stopped stopped_;
    const StopScope* outer_;
};

}  // namespace insitu
