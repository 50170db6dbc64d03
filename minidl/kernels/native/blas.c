/* NumPy's own BLAS: see blas.h. */
#include "blas.h"

enum { ROW_MAJOR = 101, AS_IT_IS = 111, TRANSPOSED = 112 };

typedef void Sgemm32(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
typedef void Dgemm32(int, int, int, int, int, int, double, const double *, int, const double *, int, double, double *,
                     int);
typedef void Sgemm64(int, int, int, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *, int64_t,
                     float, float *, int64_t);
typedef void Dgemm64(int, int, int, int64_t, int64_t, int64_t, double, const double *, int64_t, const double *,
                     int64_t, double, double *, int64_t);

static uintptr_t single, twofold;
static int is_wide;
static int (*get_threads)(void);
static void (*set_threads)(int);

void connect_blas(uintptr_t sgemm, uintptr_t dgemm, int wide, uintptr_t get, uintptr_t set)
{
    single = sgemm;
    twofold = dgemm;
    is_wide = wide;
    get_threads = (int (*)(void))get;
    set_threads = (void (*)(int))set;
}

int has_gemm(void)
{
    return single && twofold;
}

ptrdiff_t longest_side(void)
{
    return is_wide ? PTRDIFF_MAX : INT32_MAX;
}

int blas_threads(void)
{
    return get_threads ? get_threads() : 1;
}

void tell_blas(int threads)
{
    if (set_threads)
        set_threads(threads);
}

void gemm(int is_double, int transpose_a, int transpose_b, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t inner,
          const void *a, ptrdiff_t lead_a, const void *b, ptrdiff_t lead_b, void *c, ptrdiff_t lead_c)
{
    int ta = transpose_a ? TRANSPOSED : AS_IT_IS, tb = transpose_b ? TRANSPOSED : AS_IT_IS;
#define CALL(type, integer)                                                                                      \
    (type, ta, tb, (integer)rows, (integer)columns, (integer)inner, 1, a, (integer)lead_a, b, (integer)lead_b, 0, c, \
     (integer)lead_c)
    if (is_wide && is_double)
        ((Dgemm64 *)twofold) CALL(ROW_MAJOR, int64_t);
    else if (is_wide)
        ((Sgemm64 *)single) CALL(ROW_MAJOR, int64_t);
    else if (is_double)
        ((Dgemm32 *)twofold) CALL(ROW_MAJOR, int);
    else
        ((Sgemm32 *)single) CALL(ROW_MAJOR, int);
#undef CALL
}
