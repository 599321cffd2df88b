// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/identity_options.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <string_view>

#include "common/choices.hpp"

namespace insitu::apps {

namespace {

bool is_plain(char letter) noexcept {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
           (letter >= 'A' && letter <= 'Z') ||
           std::string_view("#+-.:=@_").find(letter) != std::string_view::npos;
}

// As blkid_encode_string(): all but plain ASCII and UTF-8 is \xNN. For names of links.
std::string encoded(const std::string& text) {
    std::string result;
    for (const char letter : text) {
        const bool high = (static_cast<unsigned char>(letter) & 0x80U) != 0;
        if (high || is_plain(letter)) {
            result += letter;
        } else {
            result += fmt::format("\\x{:02x}", static_cast<unsigned char>(letter));
        }
    }
    return result;
}

// As blkid_safe_string(): for people.
std::string safe(const std::string& text) {
    std::string result = text;
    for (char& letter : result) {
        const bool high = (static_cast<unsigned char>(letter) & 0x80U) != 0;
        if (!high && !is_plain(letter)) letter = '_';
    }
    return result;
}

}  // namespace

std::optional<Uuid> IdentityArguments::parsed_uuid() const {
    if (uuid.empty()) return std::nullopt;
    if (uuid == "random") return random_uuid();
    if (const auto parsed = parse_uuid(uuid)) return parsed;
    throw CLI::ValidationError(
        uuid_option, fmt::format("'{}' is not a UUID; expected 32 hex digits, or random", uuid));
}

const std::string& IdentityArguments::checked_label() const {
    if (valid_label(label)) return label;
    throw CLI::ValidationError(
        label_option,
        label.size() > label_bytes
            ? fmt::format("a label has at most {} bytes, this one has {}", label_bytes,
                          label.size())
            : std::string("a label is UTF-8 without control characters, such as line ends"));
}

void add_identity_options(CLI::App& cli, IdentityArguments& arguments,
                          const std::string& default_uuid) {
    cli.add_option(arguments.uuid_option, arguments.uuid,
                   "UUID of the image, or random (default: " + default_uuid + ")")
        ->type_name("UUID");
    cli.add_option(arguments.label_option, arguments.label,
                   "Label of the image: at most 64 bytes of UTF-8")
        ->type_name(label_type);
}

void add_identity(Json& document, const std::optional<Identity>& identity) {
    document["uuid"] = identity ? Json(to_string(identity->uuid)) : Json(nullptr);
    document["label"] = identity ? Json(identity->label) : Json(nullptr);
}

std::string identity_text(const Identity& identity) {
    const std::string uuid = to_string(identity.uuid);
    // A label that can be stored holds no control characters.
    return identity.label.empty() ? uuid : fmt::format("{} ({})", identity.label, uuid);
}

std::string udev_properties(const std::optional<Identity>& identity) {
    std::string text = "ID_FS_TYPE=insitu\nID_FS_USAGE=other\nID_FS_VERSION=1\n";
    if (!identity) return text;
    const std::string uuid = to_string(identity->uuid);
    text += fmt::format("ID_FS_UUID={}\nID_FS_UUID_ENC={}\n", uuid, uuid);
    if (identity->label.empty()) return text;
    return text + fmt::format("ID_FS_LABEL={}\nID_FS_LABEL_ENC={}\n", safe(identity->label),
                              encoded(identity->label));
}

}  // namespace insitu::apps
