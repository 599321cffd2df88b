// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

// Debian 12 has Catch2 2.13; version 3 has other headers for the same macros.
#ifdef INSITU_CATCH2_V3
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
