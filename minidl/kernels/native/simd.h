/* A vector of as many numbers as a register holds, for REAL and LOOP(name): see levels.h. Both GCC and clang know such
 * vectors; other compilers have single numbers in their place.
 */
#include <string.h>

#include "registers.h"

#undef ACROSS
#if defined(__GNUC__)
#define ACROSS WIDE
typedef REAL LOOP(Vector) __attribute__((vector_size(WIDE * sizeof(REAL))));
#else
#define ACROSS 1
typedef REAL LOOP(Vector);
#endif

/* Vectors lie anywhere in memory. */
INLINE LOOP(Vector) LOOP(load_vector)(const REAL *from)
{
    LOOP(Vector) vector;
    memcpy(&vector, from, sizeof vector);
    return vector;
}

INLINE void LOOP(store_vector)(LOOP(Vector) vector, REAL *to)
{
    memcpy(to, &vector, sizeof vector);
}
