/* Threads that share loops: see pool.h.
 *
 * Each thread takes the parts of a share of its own, which is the same in each loop over arrays of that size, so that
 * its core's cache still has some of them; and then what others have left of theirs. The caller works too. It waits
 * only for workers that are within a part, never for one that has not begun: on a machine whose cores are busy, it
 * does all alone what would otherwise wait for a worker's turn. Who waits looks for some microseconds whether what it
 * waits for is there, for the next loop of a training step soon comes, and then sleeps: to go on looking would take
 * the cores from others.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "pool.h"

enum { MOST_THREADS = 64 };

static int (*get_threads)(void);
static int most_threads = MOST_THREADS;

void take_threads_from(uintptr_t get, int most)
{
    get_threads = (int (*)(void))get;
    most_threads = most > 0 && most < MOST_THREADS ? most : MOST_THREADS;
}

/* A loop's parts: they differ by one grain at most, so that half of them are half of the loop. */
typedef struct {
    ptrdiff_t count, grain, number;
} Parts;

#if defined(_WIN32) || defined(__STDC_NO_ATOMICS__)

/* No threads of POSIX: the caller alone. */
int threads_are_known(void) { return 0; }

int threads_now(void) { return 1; }

static void run_parts(Loop *loop, void *context, Parts parts, int threads, int ends_first)
{
    loop(context, 0, parts.count);
}

#else

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

enum { LOOKING_NANOSECONDS = 50000, LOOKS_AT_ONCE = 16 };

/* Where threads sleep until they are called. */
typedef struct {
    pthread_cond_t called;
    atomic_int sleepers;
} Bed;

/* The loop that is shared. `joined` is twice the number of workers within it, and 1 more while others may join. */
static Loop *shared_loop;
static void *shared_context;
static Parts shared_parts;
static int shared_threads, from_the_end;
static atomic_uint joined, loops_so_far;

/* The parts of each thread's share that nobody has taken: the first one and, in the upper half, the end. */
static struct {
    _Alignas(64) atomic_uint_fast64_t left;
} shares[MOST_THREADS];

/* Who has the flag has the workers, and alone changes what is above and below. */
static atomic_flag in_use = ATOMIC_FLAG_INIT;
static int workers, most_workers = MOST_THREADS - 1;
static pthread_t threads_of_workers[MOST_THREADS];
static int core_of_caller = -1; /* which the workers leave to it */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Bed workers_bed = {PTHREAD_COND_INITIALIZER, 0}, callers_bed = {PTHREAD_COND_INITIALIZER, 0};

int threads_are_known(void)
{
    return get_threads != NULL;
}

int threads_now(void)
{
    int threads = get_threads ? get_threads() : 1;
    return threads < 1 ? 1 : threads > most_threads ? most_threads : threads;
}

static int64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Wait until the variable has another value. */
static void wait_while(atomic_uint *variable, unsigned value, Bed *bed)
{
    /* By the clock, for what a look takes differs by ten times between CPUs. */
    for (int64_t end = nanoseconds() + LOOKING_NANOSECONDS; nanoseconds() < end;)
        for (int looks = 0; looks < LOOKS_AT_ONCE; looks++) {
            if (atomic_load(variable) != value)
                return;
#if defined(__x86_64__) || defined(__i386__)
            __builtin_ia32_pause();
#elif defined(__aarch64__)
            __asm__ volatile("yield");
#endif
        }
    pthread_mutex_lock(&lock);
    atomic_fetch_add(&bed->sleepers, 1);
    while (atomic_load(variable) == value)
        pthread_cond_wait(&bed->called, &lock);
    atomic_fetch_sub(&bed->sleepers, 1);
    pthread_mutex_unlock(&lock);
}

/* To be called once the variable has changed. */
static void call(Bed *bed)
{
    if (atomic_load(&bed->sleepers)) {
        pthread_mutex_lock(&lock);
        pthread_cond_broadcast(&bed->called);
        pthread_mutex_unlock(&lock);
    }
}

/* Where a part begins, and the one before it ends. */
static ptrdiff_t start_of(ptrdiff_t part, const Parts *parts)
{
    const ptrdiff_t grains = (parts->count - 1) / parts->grain + 1;
    const ptrdiff_t start = grains * part / parts->number * parts->grain;
    return start < parts->count ? start : parts->count;
}

/* Take the part that comes next in the thread's own share, or the one that would come last in another's; -1 if
 * there is none. */
static ptrdiff_t take_part(int thread)
{
    for (int i = 0; i < shared_threads; i++) {
        atomic_uint_fast64_t *left = &shares[(thread + i) % shared_threads].left;
        const int takes_last = i ? !from_the_end : from_the_end;
        uint_fast64_t now = atomic_load(left);
        while ((uint32_t)now < now >> 32)
            if (atomic_compare_exchange_weak(left, &now, takes_last ? now - ((uint_fast64_t)1 << 32) : now + 1))
                return takes_last ? (ptrdiff_t)(now >> 32) - 1 : (ptrdiff_t)(uint32_t)now;
    }
    return -1;
}

static void take_parts(int thread)
{
    for (ptrdiff_t part; (part = take_part(thread)) >= 0;)
        shared_loop(shared_context, start_of(part, &shared_parts), start_of(part + 1, &shared_parts));
}

/* What the worker does whose thread has this number; the caller's is 0. */
static void *work(void *number)
{
    for (unsigned seen = 0;; seen = atomic_load(&loops_so_far)) {
        unsigned now = atomic_load(&joined);
        while (now & 1)
            if (atomic_compare_exchange_weak(&joined, &now, now + 2)) {
                if ((intptr_t)number < shared_threads)
                    take_parts((int)(intptr_t)number);
                if (atomic_fetch_sub(&joined, 2) == 2)
                    call(&callers_bed);
                break;
            }
        wait_while(&loops_so_far, seen, &workers_bed);
    }
    return NULL;
}

/* A fork's child has none of the workers, and whatever other threads held is free. */
static void forget_workers(void)
{
    workers = 0;
    atomic_store(&joined, 0);
    atomic_flag_clear(&in_use);
    lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    workers_bed = callers_bed = (Bed){PTHREAD_COND_INITIALIZER, 0};
}

/* Start what is lacking of so many workers; where the system gives no more, there are fewer from then on. */
static void start_workers(int wanted)
{
    static int is_prepared;
    if (!is_prepared && pthread_atfork(NULL, NULL, forget_workers))
        return;
    is_prepared = 1;
    /* Signals are for Python's threads, but for those that say that a thread itself has failed. */
    sigset_t blocked, before;
    sigfillset(&blocked);
    const int failures[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    for (int i = 0; i < 4; i++)
        sigdelset(&blocked, failures[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    for (; workers < wanted; workers++) {
        if (pthread_create(&threads_of_workers[workers], NULL, work, (void *)(intptr_t)(workers + 1))) {
            most_workers = workers;
            break;
        }
        pthread_detach(threads_of_workers[workers]);
        core_of_caller = -1;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Let the workers run where the caller may, but for the core that it is on, if the others are enough for them. Some
 * systems wake a thread on the core of the one that wakes it and leave both there for a while, beside idle cores. */
static void leave_core_to_caller(void)
{
#if defined(__linux__)
    const int now = sched_getcpu();
    cpu_set_t allowed;
    if (now == core_of_caller || now < 0 || sched_getaffinity(0, sizeof allowed, &allowed))
        return;
    core_of_caller = now;
    if (CPU_ISSET(now, &allowed) && CPU_COUNT(&allowed) > workers)
        CPU_CLR(now, &allowed);
    for (int i = 0; i < workers; i++)
        pthread_setaffinity_np(threads_of_workers[i], sizeof allowed, &allowed);
#endif
}

static void run_parts(Loop *loop, void *context, Parts parts, int threads, int ends_first)
{
    if (parts.number == 1 || atomic_flag_test_and_set(&in_use)) {
        /* Alone, or beside another Python thread that has the workers: in the same parts, with the same results. */
        for (ptrdiff_t part = 0; part < parts.number; part++)
            loop(context, start_of(part, &parts), start_of(part + 1, &parts));
        return;
    }
    int wanted = threads - 1 < most_workers ? threads - 1 : most_workers;
    if (workers < wanted)
        start_workers(wanted);
    leave_core_to_caller();
    shared_loop = loop;
    shared_context = context;
    shared_parts = parts;
    shared_threads = wanted + 1;
    from_the_end = ends_first;
    const uint_fast64_t number = parts.number;
    for (int i = 0; i < shared_threads; i++)
        atomic_store(&shares[i].left, number * i / shared_threads | number * (i + 1) / shared_threads << 32);
    atomic_store(&joined, 1);
    atomic_fetch_add(&loops_so_far, 1);
    call(&workers_bed);
    take_parts(0);
    atomic_fetch_sub(&joined, 1);
    for (unsigned now; (now = atomic_load(&joined));)
        wait_while(&joined, now, &callers_bed);
    atomic_flag_clear(&in_use);
}

#endif

static void run(Loop *loop, void *context, ptrdiff_t count, ptrdiff_t grain, int ends_first)
{
    if (count <= grain) {
        if (count > 0)
            loop(context, 0, count);
        return;
    }
    PyThreadState *state = PyEval_SaveThread();
    const int threads = threads_now();
    const ptrdiff_t grains = (count - 1) / grain + 1, each = grains / threads;
    /* A few for each thread, so that nobody waits long for the last one. */
    const ptrdiff_t number = threads == 1 ? 1 : each ? (each < 4 ? each : 4) * threads : grains;
    run_parts(loop, context, (Parts){count, grain, number}, threads, ends_first);
    PyEval_RestoreThread(state);
}

void run_loop(Loop *loop, void *context, ptrdiff_t count, ptrdiff_t grain)
{
    run(loop, context, count, grain, 0);
}

void run_loop_from_end(Loop *loop, void *context, ptrdiff_t count, ptrdiff_t grain)
{
    run(loop, context, count, grain, 1);
}
