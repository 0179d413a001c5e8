// Faults of the system that a process runs on, preloaded into it (LD_PRELOAD): a wall clock that is wrong by an
// offset, and syncs to disk that fail. What is wrong at the moment stands in a file that is mapped here and written
// by the test; FaultControl.swift has the same layout.
//
// The monotonic clocks are left alone, and so are waits until a time of day: a program that waits for a moment of the
// wall clock would wait by the wrong clock. None of ours does.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

// The first bytes of the control file, each in the byte order of the machine.
struct control {
    _Atomic int64_t clock_offset_ns;  // added to the wall clock
    _Atomic int64_t sync_error;       // errno of every sync; 0 where they succeed
    _Atomic int64_t failed_syncs;     // how many failed, counted here
    _Atomic int64_t passed_syncs;     // how many went through, counted here
};

#define CONTROL_SIZE 4096
#define NANOSECONDS 1000000000LL

static struct control *control;

__attribute__((constructor)) static void map_control(void) {
    const char *path = getenv("HEDGEROW_FAULTS");
    if (path == NULL) return;
    int descriptor = open(path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return;
    void *page = mmap(NULL, CONTROL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (page != MAP_FAILED) control = page;
}

static int is_wall_clock(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

// By the system call itself, not the library's function, which is this one.
int clock_gettime(clockid_t clock, struct timespec *now) {
    if (syscall(SYS_clock_gettime, clock, now) != 0) return -1;
    if (control == NULL || !is_wall_clock(clock)) return 0;
    int64_t offset = atomic_load_explicit(&control->clock_offset_ns, memory_order_relaxed);
    if (offset == 0) return 0;
    int64_t nanoseconds = now->tv_sec * NANOSECONDS + now->tv_nsec + offset;
    now->tv_sec = nanoseconds / NANOSECONDS;
    now->tv_nsec = nanoseconds % NANOSECONDS;
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &precise) != 0) return -1;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *result) {
    struct timespec precise;
    if (clock_gettime(CLOCK_REALTIME, &precise) != 0) return -1;
    if (result != NULL) *result = precise.tv_sec;
    return precise.tv_sec;
}

// Like a disk that reports a write error: what was written may or may not be there, and the caller is told once.
static int refuses_sync(void) {
    if (control == NULL) return 0;
    int64_t error = atomic_load_explicit(&control->sync_error, memory_order_relaxed);
    if (error == 0) {
        atomic_fetch_add_explicit(&control->passed_syncs, 1, memory_order_relaxed);
        return 0;
    }
    atomic_fetch_add_explicit(&control->failed_syncs, 1, memory_order_relaxed);
    errno = (int)error;
    return 1;
}

int fsync(int descriptor) {
    if (refuses_sync()) return -1;
    return (int)syscall(SYS_fsync, descriptor);
}

int fdatasync(int descriptor) {
    if (refuses_sync()) return -1;
    return (int)syscall(SYS_fdatasync, descriptor);
}
