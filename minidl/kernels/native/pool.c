/* Threads that share loops: see pool.h.
 *
 * The caller works too, and takes part after part until none is left. It waits only for workers that are within
 * a part, never for one that has not begun: on a machine whose cores are busy, it does all alone what would
 * otherwise wait for a worker's turn. Who waits looks for some microseconds whether what it waits for is there, for
 * the next loop of a training step soon comes, and then sleeps: to go on looking would take the cores from others.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "pool.h"

#include "blas.h"

#if defined(_WIN32) || defined(__STDC_NO_ATOMICS__)

/* No threads of POSIX: the caller alone. */
int threads_now(void) { return 1; }

void run_loop(Loop *loop, void *context, ptrdiff_t count, ptrdiff_t grain)
{
    if (count <= grain) {
        if (count > 0)
            loop(context, 0, count);
        return;
    }
    PyThreadState *state = PyEval_SaveThread();
    loop(context, 0, count);
    PyEval_RestoreThread(state);
}

void run_products(Loop *loop, void *context, ptrdiff_t count, ptrdiff_t grain)
{
    run_loop(loop, context, count, grain);
}

#else

#include <pthread.h>
#include <stdatomic.h>

enum { MOST_THREADS = 64, LOOKS = 2000 };

/* The loop that is shared. `joined` is twice the number of workers within it, and 1 more while others may join. */
static Loop *shared_loop;
static void *shared_context;
static ptrdiff_t shared_count, shared_part;
static int shared_workers;
static atomic_ptrdiff_t next_part;
static atomic_int joined;
static atomic_uint loops_so_far;
static atomic_int sleepers, caller_sleeps;

static atomic_flag in_use = ATOMIC_FLAG_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t begun = PTHREAD_COND_INITIALIZER, done = PTHREAD_COND_INITIALIZER;
static int workers, is_prepared;

static inline void look_again(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

int threads_now(void)
{
    int threads = blas_threads();
    return threads < 1 ? 1 : threads > MOST_THREADS ? MOST_THREADS : threads;
}

static void take_parts(void)
{
    for (;;) {
        ptrdiff_t first = atomic_fetch_add(&next_part, shared_part);
        if (first >= shared_count)
            return;
        ptrdiff_t end = first + shared_part;
        shared_loop(shared_context, first, end < shared_count ? end : shared_count);
    }
}

static int join(int worker)
{
    int now = atomic_load(&joined);
    while (now & 1)
        if (atomic_compare_exchange_weak(&joined, &now, now + 2)) {
            if (worker < shared_workers)
                return 1;
            atomic_fetch_sub(&joined, 2);
            break;
        }
    return 0;
}

static void leave(void)
{
    if (atomic_fetch_sub(&joined, 2) == 2 && atomic_load(&caller_sleeps)) {
        pthread_mutex_lock(&lock);
        pthread_cond_signal(&done);
        pthread_mutex_unlock(&lock);
    }
}

static void *work(void *number)
{
    unsigned seen = 0;
    for (;;) {
        for (int looks = 0; looks < LOOKS && atomic_load(&loops_so_far) == seen; looks++)
            look_again();
        if (atomic_load(&loops_so_far) == seen) {
            pthread_mutex_lock(&lock);
            atomic_fetch_add(&sleepers, 1);
            while (atomic_load(&loops_so_far) == seen)
                pthread_cond_wait(&begun, &lock);
            atomic_fetch_sub(&sleepers, 1);
            pthread_mutex_unlock(&lock);
        }
        seen = atomic_load(&loops_so_far);
        if (join((int)(intptr_t)number)) {
            take_parts();
            leave();
        }
    }
    return NULL;
}

/* A fork's child has none of the workers, and whatever they held is free. */
static void forget_workers(void)
{
    workers = 0;
    atomic_store(&joined, 0);
    atomic_store(&sleepers, 0);
    atomic_store(&caller_sleeps, 0);
    atomic_flag_clear(&in_use);
    lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    begun = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    done = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
}

/* Start what is lacking of so many workers; where the system gives no more, there are fewer. */
static void start_workers(int wanted)
{
    if (!is_prepared)
        is_prepared = !pthread_atfork(NULL, NULL, forget_workers);
    pthread_attr_t detached;
    if (!is_prepared || pthread_attr_init(&detached))
        return;
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    while (workers < wanted && !pthread_create(&thread, &detached, work, (void *)(intptr_t)workers))
        workers++;
    pthread_attr_destroy(&detached);
}

static void share(Loop *loop, void *context, ptrdiff_t count, ptrdiff_t part, int threads)
{
    if (workers < threads - 1)
        start_workers(threads - 1);
    shared_loop = loop;
    shared_context = context;
    shared_count = count;
    shared_part = part;
    shared_workers = threads - 1;
    atomic_store(&next_part, 0);
    atomic_store(&joined, 1);
    atomic_fetch_add(&loops_so_far, 1);
    if (atomic_load(&sleepers)) {
        pthread_mutex_lock(&lock);
        pthread_cond_broadcast(&begun);
        pthread_mutex_unlock(&lock);
    }
    take_parts();
    atomic_fetch_sub(&joined, 1);
    for (int looks = 0; looks < LOOKS && atomic_load(&joined); looks++)
        look_again();
    if (atomic_load(&joined)) {
        pthread_mutex_lock(&lock);
        atomic_store(&caller_sleeps, 1);
        while (atomic_load(&joined))
            pthread_cond_wait(&done, &lock);
        atomic_store(&caller_sleeps, 0);
        pthread_mutex_unlock(&lock);
    }
}

static void run(Loop *loop, void *context, ptrdiff_t count, ptrdiff_t grain, int calls_blas)
{
    if (count <= grain) {
        if (count > 0)
            loop(context, 0, count);
        return;
    }
    PyThreadState *state = PyEval_SaveThread();
    int threads = threads_now();
    if (threads == 1 || atomic_flag_test_and_set(&in_use))
        loop(context, 0, count); /* alone, or beside another Python thread that has the workers */
    else {
        /* A few parts for each thread, so that nobody waits long for the last one. */
        ptrdiff_t part = (count / (4 * threads) / grain + 1) * grain;
        if (calls_blas)
            tell_blas(1);
        share(loop, context, count, part, threads);
        if (calls_blas)
            tell_blas(threads);
        atomic_flag_clear(&in_use);
    }
    PyEval_RestoreThread(state);
}

void run_loop(Loop *loop, void *context, ptrdiff_t count, ptrdiff_t grain)
{
    run(loop, context, count, grain, 0);
}

void run_products(Loop *loop, void *context, ptrdiff_t count, ptrdiff_t grain)
{
    run(loop, context, count, grain, 1);
}

#endif
