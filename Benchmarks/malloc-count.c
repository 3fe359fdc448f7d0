// Counts a program's memory allocations, in all its threads, into a file that a script can read while the program
// runs. Preloaded: LD_PRELOAD=malloc-count.so MALLOC_COUNT_FILE=path program
//
// The file holds one unsigned 64-bit number in the machine's byte order: the calls of malloc, calloc, realloc,
// reallocarray, posix_memalign, aligned_alloc, memalign and valloc since the program began.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// glibc's own names of the functions that this file stands in for.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static _Atomic uint64_t before_start;
static _Atomic(_Atomic uint64_t *) counter = &before_start;

static void count(void) {
    atomic_fetch_add_explicit(atomic_load_explicit(&counter, memory_order_acquire), 1, memory_order_relaxed);
}

// Moves the counter into the file. Without the file the program goes on, and the script finds no number.
__attribute__((constructor)) static void start(void) {
    const char *path = getenv("MALLOC_COUNT_FILE");
    if (!path) return;
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return;
    if (ftruncate(file, sizeof(uint64_t)) == 0) {
        _Atomic uint64_t *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (shared != MAP_FAILED) {
            atomic_store(shared, atomic_load(&before_start));
            atomic_store_explicit(&counter, shared, memory_order_release);
        }
    }
    close(file);
}

void *malloc(size_t size) {
    count();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count();
    return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) {
    count();
    return __libc_realloc(memory, size);
}

void *reallocarray(void *memory, size_t number, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(number, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    count();
    return __libc_realloc(memory, bytes);
}

void *memalign(size_t alignment, size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    count();
    void *fresh = __libc_memalign(alignment, size);
    if (!fresh) return ENOMEM;
    *memory = fresh;
    return 0;
}

void *valloc(size_t size) {
    count();
    return __libc_memalign((size_t)sysconf(_SC_PAGESIZE), size);
}
