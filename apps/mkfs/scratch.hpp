#pragma once

#include <filesystem>
#include <string>

namespace insitu::apps {

// A directory for what is made on the way to a target: beside a file, in TMPDIR (or /var/tmp) for a
// device. Removed with all that it holds.
class Scratch {
  public:
    explicit Scratch(const std::string& target);
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    std::string file(const std::string& name) const { return directory_ / name; }

  private:
    std::filesystem::path directory_;
};

}  // namespace insitu::apps
