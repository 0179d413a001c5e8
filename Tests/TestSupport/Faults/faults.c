// Faults of the system that a process runs on, preloaded into it (LD_PRELOAD): a wall clock that is wrong by an
// offset, syncs to disk that fail, and the end of the process (SIGKILL) at one of its writes or syncs to a database. What
// is wrong at the moment stands in a file that is mapped here and written
// by the test; FaultControl.swift has the same layout.
//
// The monotonic clocks are left alone, and so are waits until a time of day: a program that waits for a moment of the
// wall clock would wait by the wrong clock. None of ours does.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    _Atomic int64_t armed;            // 1: writes and syncs to databases are counted; 2: only syncs; 0: none
    _Atomic int64_t database_calls;   // how many there were, counted here
    _Atomic int64_t fatal_call;       // at which of them the process is killed; 0 for none
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

// Whether a descriptor is an SQLite database's, or its log's. Only asked while armed.
static int is_database(int descriptor) {
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return strstr(path, ".sqlite") != NULL;
}

// Counts a write or sync to a database; whether it is the one at which the process is to die.
static int is_fatal(int descriptor, int is_sync) {
    if (control == NULL) return 0;
    int64_t armed = atomic_load_explicit(&control->armed, memory_order_relaxed);
    if (armed == 0 || (armed == 2 && !is_sync)) return 0;
    int error = errno;
    int known = is_database(descriptor);
    errno = error;
    if (!known) return 0;
    int64_t call = atomic_fetch_add(&control->database_calls, 1) + 1;
    return call == atomic_load(&control->fatal_call);
}

// Nothing runs after this, in any thread.
static void die(void) {
    for (;;) syscall(SYS_kill, getpid(), SIGKILL);
}

// The write at which the process dies is torn: half of it is there.
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    if (is_fatal(descriptor, 0)) {
        syscall(SYS_pwrite64, descriptor, bytes, count / 2, offset);
        die();
    }
    return syscall(SYS_pwrite64, descriptor, bytes, count, offset);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    return pwrite64(descriptor, bytes, count, offset);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    if (is_fatal(descriptor, 0)) {
        syscall(SYS_write, descriptor, bytes, count / 2);
        die();
    }
    return syscall(SYS_write, descriptor, bytes, count);
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
    if (is_fatal(descriptor, 1)) die();
    if (refuses_sync()) return -1;
    return (int)syscall(SYS_fsync, descriptor);
}

int fdatasync(int descriptor) {
    if (is_fatal(descriptor, 1)) die();
    if (refuses_sync()) return -1;
    return (int)syscall(SYS_fdatasync, descriptor);
}
