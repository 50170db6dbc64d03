/* A family's loops for float32 and for float64: see levels.h. */
#define KIND f32
#define REAL float
#define UNSIGNED uint32_t
#define INDEX int32_t /* no wider than REAL: what it decides on stays in whole vectors */
#define IS_DOUBLE 0
#include FAMILY
#undef KIND
#undef REAL
#undef UNSIGNED
#undef INDEX
#undef IS_DOUBLE
#define KIND f64
#define REAL double
#define UNSIGNED uint64_t
#define INDEX int64_t
#define IS_DOUBLE 1
#include FAMILY
#undef KIND
#undef REAL
#undef UNSIGNED
#undef INDEX
#undef IS_DOUBLE
