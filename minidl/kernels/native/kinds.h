/* A family's loops for float32 and for float64: see levels.h. */
#define KIND f32
#define REAL float
#define UNSIGNED uint32_t
#define IS_DOUBLE 0
#include FAMILY
#undef KIND
#undef REAL
#undef UNSIGNED
#undef IS_DOUBLE
#define KIND f64
#define REAL double
#define UNSIGNED uint64_t
#define IS_DOUBLE 1
#include FAMILY
#undef KIND
#undef REAL
#undef UNSIGNED
#undef IS_DOUBLE
