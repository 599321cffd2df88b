// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

// Marks what layers show each other and the tools; everything else is hidden (-fvisibility=hidden).
// What of it leaves the shared library is in insitu.map.
#define INSITU_API __attribute__((visibility("default")))
// For what stands inside an exported class and is nobody else's business.
#define INSITU_LOCAL __attribute__((visibility("hidden")))
