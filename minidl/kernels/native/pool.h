/* Loops over large arrays, divided among as many threads as the BLAS is told to use. */
#ifndef MINIDL_POOL_H
#define MINIDL_POOL_H

#include <stddef.h>
#include <stdint.h>

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

/* The same, but each thread begins with the last part of its share: with what a loop before it has worked on last. */
void run_loop_from_end(Loop *loop, void *context, ptrdiff_t count, ptrdiff_t grain);

/* The address of the BLAS's function that says how many threads it uses, or 0: then loops have one. They never have
 * more than `most`, which is 0 where there is no limit. */
void take_threads_from(uintptr_t get, int most);

/* Whether it is known how many threads there are to be; where it is not, each loop has one. */
int threads_are_known(void);

/* How many threads share a loop just now. */
int threads_now(void);

#endif
