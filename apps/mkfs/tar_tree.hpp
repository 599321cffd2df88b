#pragma once

#include <string>
#include <vector>

#include "insitu/engine/control.hpp"
#include "mkfs/scratch.hpp"

namespace insitu::apps {

// A tar from standard input, unpacked with its owners.
struct TarTree {
    std::string directory;
    std::vector<std::string> wrapper;  // shows the owners to what reads the tree; empty for root
};

// Unpacks into `scratch`. Root keeps owners and devices itself; others need fakeroot(1). Throws
// `refused`, `io` and `cancelled` Errors.
TarTree unpack_tar(const Scratch& scratch, const StopFlag* stop);

}  // namespace insitu::apps
