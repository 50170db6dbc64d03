/* NumPy's own BLAS, called without NumPy around it; see kernels/blas.py for how it is found. */
#ifndef MINIDL_BLAS_H
#define MINIDL_BLAS_H

#include <stddef.h>
#include <stdint.h>

void connect_blas(uintptr_t sgemm, uintptr_t dgemm, int wide, uintptr_t get_threads, uintptr_t set_threads);

/* Whether the BLAS's products can be called. */
int has_gemm(void);

/* The most rows or columns that they take. */
ptrdiff_t longest_side(void);

/* C = op(A) op(B), all in C order, on this thread alone within `run_products`.
 * op(A) is (rows, inner), op(B) is (inner, columns); the lead of each is the distance of its rows as it lies. */
void gemm(int is_double, int transpose_a, int transpose_b, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t inner,
          const void *a, ptrdiff_t lead_a, const void *b, ptrdiff_t lead_b, void *c, ptrdiff_t lead_c);

/* The threads that the BLAS is told to use, and the way to tell it; 1 and nothing where they are not known. */
int blas_threads(void);
void tell_blas(int threads);

#endif
