// SPDX-License-Identifier: GPL-2.0-or-later
// check IMAGE: prints what is wrong with an image; ends with 4 if there is damage.
#include <cstdio>
#include <insitu/insitu.hpp>

class Printer final : public insitu::FindingSink {
  public:
    void found(const insitu::Finding& finding) override {
        std::printf("%s block %llu: %s\n", insitu::kind_of(finding.id).name,
                    static_cast<unsigned long long>(finding.block.value), finding.detail.c_str());
    }
};

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    try {
        const auto store = insitu::open_store(argv[1], insitu::Access::read);
        Printer printer;
        // A commit that an interrupted live device left is refused: insitu-fsck -p applies it.
        return insitu::check(*store, {}, printer, {}).clean() ? 0 : 4;
    } catch (const insitu::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
