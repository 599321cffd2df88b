// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "common/tool.hpp"
#include "insitu/internal/format/identity.hpp"

// Names of images on command lines and in reports.
namespace insitu::apps {

// The words of --uuid and --label.
struct IdentityArguments {
    std::string uuid;
    std::string label;

    // As the library takes it: none if no UUID was given. Throws a CLI::ValidationError for what is
    // no UUID; "random" makes one.
    std::optional<Uuid> parsed_uuid() const;
    // Throws a CLI::ValidationError for what cannot be stored.
    const std::string& checked_label() const;

    std::string uuid_option = "--uuid";  // what messages call them
    std::string label_option = "--label";
};

// Adds the two options; `default_uuid` says what is taken without.
void add_identity_options(CLI::App& cli, IdentityArguments& arguments,
                          const std::string& default_uuid);

// Adds "uuid" and "label", null if there is no name.
void add_identity(Json& document, const std::optional<Identity>& identity);
// "LABEL (UUID)", or the UUID; what a terminal would take for a command is escaped.
std::string identity_text(const Identity& identity);

// What udev imports: ID_FS_TYPE and the rest, a line each, in the encoding of libblkid.
std::string udev_properties(const std::optional<Identity>& identity);

}  // namespace insitu::apps
