#include "CChecksum.h"

#include <stdbool.h>
#include <string.h>

// Compiled for two kinds of processor, of which the program takes the better one that it finds at its start.
#if defined(__x86_64__) && defined(__ELF__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

typedef uint64_t block __attribute__((vector_size(32)));

// Sums of 64-bit words modulo 2⁶⁴ and of their upper halves, from which the exact sum of the lower halves follows. That
// takes fewer instructions than parting the halves of each word. The upper halves can't overflow below 2³² blocks.
struct totals {
    block words;
    block uppers;
};

// Adds a block at any alignment and, if it is to be copied, stores it.
static inline __attribute__((always_inline)) void take(
    struct totals *totals, const uint8_t *source, uint8_t *target, bool copies) {
    block value;
    memcpy(&value, source, sizeof value);
    if (copies) memcpy(target, &value, sizeof value);
    totals->words += value;
    totals->uppers += value >> 32;
}

// The sum of 1 to 8 bytes and, if they are to be copied, their copy. A shorter piece than a word is followed by zeros.
static inline __attribute__((always_inline)) uint64_t piece(
    const uint8_t *source, uint8_t *target, size_t size, bool copies) {
    uint64_t word = 0;
    memcpy(&word, source, size);
    if (copies) memcpy(target, &word, size);
    return (word & 0xffffffff) + (word >> 32);
}

static inline __attribute__((always_inline)) uint64_t reduce(uint64_t sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    return (sum & 0xffffffff) + (sum >> 32);
}

// Inlined once for each value of `copies`, so that the loops don't ask.
static inline __attribute__((always_inline)) uint64_t run(
    const uint8_t *source, uint8_t *target, size_t count, const bool copies) {
    struct totals even = {{0}, {0}}, odd = {{0}, {0}};
    size_t offset = 0;
#pragma clang loop unroll_count(2)
    for (; count - offset >= 128; offset += 128) {
        take(&even, source + offset, target + offset, copies);
        take(&odd, source + offset + 32, target + offset + 32, copies);
        take(&even, source + offset + 64, target + offset + 64, copies);
        take(&odd, source + offset + 96, target + offset + 96, copies);
    }
#pragma clang loop unroll(disable)
    for (; count - offset >= 32; offset += 32) take(&even, source + offset, target + offset, copies);

    block words = even.words + odd.words, uppers = even.uppers + odd.uppers;
    block halves = words - (uppers << 32) + uppers;
    uint64_t sum = halves[0] + halves[1] + halves[2] + halves[3];
    // Fewer than 32 bytes are left: not worth a vector.
#pragma clang loop vectorize(disable) unroll(disable)
    for (; count - offset >= 8; offset += 8) sum += piece(source + offset, target + offset, 8, copies);
    if (count & 4) {
        sum += piece(source + offset, target + offset, 4, copies);
        offset += 4;
    }
    if (count & 2) {
        sum += piece(source + offset, target + offset, 2, copies);
        offset += 2;
    }
    if (count & 1) sum += piece(source + offset, target + offset, 1, copies);
    return reduce(sum);
}

FOR_EACH_PROCESSOR uint64_t cchecksum_sum(const void *start, size_t count) { return run(start, NULL, count, false); }

FOR_EACH_PROCESSOR uint64_t cchecksum_copy(const void *source, void *target, size_t count) {
    return run(source, target, count, true);
}
