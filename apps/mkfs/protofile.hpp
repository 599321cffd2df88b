#pragma once

#include <string>

namespace insitu::apps {

// Writes the prototype from which mkfs.xfs -p fills a file system with a directory tree: files,
// directories, links, devices, modes and owners. It has no times, no extended attributes, and hard
// links become files of their own. Throws a `refused` Error for names that it cannot hold (with
// white space) and for sockets, and `io` ones.
void write_protofile(const std::string& directory, const std::string& protofile);

}  // namespace insitu::apps
