/* Loops over large arrays and products, divided among as many threads as the BLAS is told to use. */
#ifndef MINIDL_POOL_H
#define MINIDL_POOL_H

#include <stddef.h>

/* A part of a loop: `context` is what it works on, from `first` up to but without `end`. */
typedef void Loop(void *context, ptrdiff_t first, ptrdiff_t end);

/* Call `loop` for all of 0 to `count`, in parts of `grain` or more; returns once all is done.
 *
 * Which thread takes which part is left open, and so is how large the parts are, but for that they begin at
 * multiples of `grain`. So what a loop adds up, it adds up for blocks of a fixed size, which `grain` is a multiple
 * of, and the caller adds up the blocks in their order. With `grain` numbers or fewer the loop is called at once,
 * with nothing around it. For more, Python's lock is let go. Call it with the lock held, and not from a loop.
 */
void run_loop(Loop *loop, void *context, ptrdiff_t count, ptrdiff_t grain);

/* The same for loops that call `gemm`, in one part for each thread: of `least` or more, beginning at multiples of
 * `unit`. How a product is rounded depends on its parts, and so on the number of threads, as within the BLAS.
 *
 * Meanwhile the BLAS is told to use one thread, whatever the size: its own would wait for each other without
 * sleeping. So that nobody else sees that number, and takes it for what is to be restored, Python's lock is kept.
 * Where one thread is all there is, it is let go for more than `least`.
 */
void run_products(Loop *loop, void *context, ptrdiff_t count, ptrdiff_t unit, ptrdiff_t least);

/* How many threads share a loop just now. */
int threads_now(void);

#endif
