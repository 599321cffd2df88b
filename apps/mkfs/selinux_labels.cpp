// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/selinux_labels.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include "insitu/error.hpp"
#include "insitu/internal/store/unique_fd.hpp"

namespace insitu::apps {

namespace {

constexpr const char* library_name = "libselinux.so.1";
constexpr const char* attribute = "security.selinux";

// Declared here as its header says it: the library is loaded, if it is there, and not linked.
struct SelabelOption {
    int type;
    const char* value;
};
struct SelabelHandle;
constexpr unsigned context_file = 0;  // SELABEL_CTX_FILE
constexpr int option_validate = 1;    // SELABEL_OPT_VALIDATE
constexpr int option_path = 3;        // SELABEL_OPT_PATH
constexpr int callback_log = 0;       // SELINUX_CB_LOG
constexpr int callback_validate = 2;  // SELINUX_CB_VALIDATE
union SelinuxCallback {
    int (*log)(int, const char*, ...);
    int (*validate)(char**);
};

// What the library said last; it tells where a file is wrong, and errno does not.
std::string& last_message() {
    static std::string message;
    return message;
}

extern "C" int take_message(int /*type*/, const char* format, ...) {
    std::array<char, 1024> text{};
    std::va_list values;
    va_start(values, format);
    const int length = std::vsnprintf(text.data(), text.size(), format, values);
    va_end(values);
    std::string& message = last_message();
    if (!message.empty()) return length;
    message = text.data();
    while (!message.empty() && message.back() == '\n')
        message.pop_back();
    return length;
}

// The policy that the labels are for is not that of this machine.
extern "C" int take_any_context(char** /*context*/) {
    return 0;
}

class Selinux {
  public:
    explicit Selinux(const std::string& file_contexts)
        : file_(file_contexts), library_(::dlopen(library_name, RTLD_NOW | RTLD_LOCAL), ::dlclose) {
        if (!library_) {
            const char* const reason = ::dlerror();
            throw Error(ErrorKind::refused, {.file = "--selinux"},
                        fmt::format("needs a library that cannot be loaded: {}",
                                    reason == nullptr ? library_name : reason),
                        "the package libselinux1 has it");
        }
        find(open_, "selabel_open");
        find(lookup_, "selabel_lookup_raw");
        find(close_, "selabel_close");
        find(free_, "freecon");
        find(set_callback_, "selinux_set_callback");
        open(file_contexts);
    }
    Selinux(const Selinux&) = delete;
    Selinux& operator=(const Selinux&) = delete;
    ~Selinux() { close_(handle_); }

    // Empty: there is none for it.
    std::string label_of(const Entry& entry) const {
        char* context = nullptr;
        const std::string path = "/" + entry.path;
        last_message().clear();
        if (lookup_(handle_, &context, path.c_str(), static_cast<int>(entry.mode)) == 0) {
            const std::unique_ptr<char, void (*)(char*)> owner(context, free_);
            return context;
        }
        if (errno == ENOENT) return {};
        throw Error(ErrorKind::refused, {.file = file_}, "has no label for it: " + reason(),
                    fmt::format("looked for /{}", printable(entry.path)));
    }

  private:
    template <typename Function>
    void find(Function*& function, const char* name) {
        function = reinterpret_cast<Function*>(::dlsym(library_.get(), name));
        if (function != nullptr) return;
        throw Error(ErrorKind::refused, {.file = library_name},
                    fmt::format("has no function {}", name));
    }

    void open(const std::string& file_contexts) {
        // The library takes what it cannot read for something else, and a directory for empty.
        const UniqueFd fd(::open(file_contexts.c_str(), O_RDONLY | O_CLOEXEC));
        if (!fd) throw io_error({.file = file_contexts}, "cannot open", errno);
        char first = 0;
        if (::read(fd.get(), &first, 1) < 0) {
            throw io_error({.file = file_contexts}, "cannot read", errno);
        }
        set_callback_(callback_log, {.log = take_message});
        set_callback_(callback_validate, {.validate = take_any_context});
        last_message().clear();
        // Without validation a line whose pattern is wrong is passed over in silence.
        const std::array<SelabelOption, 2> options{
            {{option_path, file_contexts.c_str()}, {option_validate, "yes"}}};
        handle_ = open_(context_file, options.data(), options.size());
        if (handle_ != nullptr) return;
        throw Error(ErrorKind::refused, {.file = file_contexts},
                    "is not a list of file contexts: " + reason(), "file_contexts(5) has its form");
    }

    // What the library said, without the name of the file, or else what errno says.
    std::string reason() const {
        std::string errno_text = std::strerror(errno);
        const std::string& message = last_message();
        if (message.empty()) return errno_text;
        const std::string name = file_ + ":";
        const std::size_t begin = message.starts_with(name) ? name.size() : 0;
        return message.substr(std::min(message.find_first_not_of(' ', begin), message.size()));
    }

    std::string file_;
    std::unique_ptr<void, int (*)(void*)> library_;
    SelabelHandle* (*open_)(unsigned, const SelabelOption*, unsigned) = nullptr;
    int (*lookup_)(SelabelHandle*, char**, const char*, int) = nullptr;
    void (*close_)(SelabelHandle*) = nullptr;
    void (*free_)(char*) = nullptr;
    void (*set_callback_)(int, SelinuxCallback) = nullptr;
    SelabelHandle* handle_ = nullptr;
};

}  // namespace

Labelling label_tree(Tree& tree, const std::string& file_contexts) {
    const Selinux selinux(file_contexts);
    Labelling result;
    const auto count = [](std::uint64_t& number, std::string& first, const Entry& entry) {
        if (number++ == 0) first = entry.path;
    };
    for (Entry& entry : tree.entries) {
        const std::string label = selinux.label_of(entry);
        if (label.empty()) count(result.unlabelled, result.first_unlabelled, entry);
        // The attribute ends with a zero, as libselinux itself writes it.
        const std::string value = label.empty() ? label : label + '\0';
        if (entry.link_to != no_entry) {
            entry.xattrs = tree.entries[entry.link_to].xattrs;
            const auto first = entry.xattrs.find(attribute);
            const bool same = first == entry.xattrs.end() ? value.empty() : first->second == value;
            if (!same) count(result.conflicts, result.first_conflict, entry);
        } else if (value.empty()) {
            entry.xattrs.erase(attribute);
        } else {
            entry.xattrs[attribute] = value;
        }
    }
    return result;
}

}  // namespace insitu::apps
