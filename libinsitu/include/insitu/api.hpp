#pragma once

// Marks what the shared library exports; everything else is hidden (-fvisibility=hidden).
#define INSITU_API __attribute__((visibility("default")))
// For what stands inside an exported class and is nobody else's business.
#define INSITU_LOCAL __attribute__((visibility("hidden")))
