#pragma once

// Marks what the shared library exports; everything else is hidden (-fvisibility=hidden).
#define INSITU_API __attribute__((visibility("default")))
