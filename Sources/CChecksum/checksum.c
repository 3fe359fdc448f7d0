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

// Adds a block at any alignment, and stores it when there is a target.
static inline __attribute__((always_inline)) void take(struct totals *totals, const uint8_t *source, uint8_t *target) {
    block value;
    memcpy(&value, source, sizeof value);
    if (target) memcpy(target, &value, sizeof value);
    totals->words += value;
    totals->uppers += value >> 32;
}

static inline __attribute__((always_inline)) uint64_t reduce(uint64_t sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    return (sum & 0xffffffff) + (sum >> 32);
}

// Sums, and copies when there is a target. Inlined with and without one, so that the loops don't ask.
static inline __attribute__((always_inline)) uint64_t run(const uint8_t *source, uint8_t *target, size_t count) {
    struct totals even = {{0}, {0}}, odd = {{0}, {0}};
    const bool copies = target != NULL;
    for (; count >= 128; count -= 128, source += 128, target += copies ? 128 : 0) {
        take(&even, source, target);
        take(&odd, source + 32, copies ? target + 32 : NULL);
        take(&even, source + 64, copies ? target + 64 : NULL);
        take(&odd, source + 96, copies ? target + 96 : NULL);
    }
    for (; count >= 32; count -= 32, source += 32, target += copies ? 32 : 0) take(&even, source, target);

    block words = even.words + odd.words, uppers = even.uppers + odd.uppers;
    block halves = words - (uppers << 32) + uppers;
    uint64_t sum = halves[0] + halves[1] + halves[2] + halves[3];
    for (; count >= 8; count -= 8, source += 8, target += copies ? 8 : 0) {
        uint64_t word;
        memcpy(&word, source, sizeof word);
        if (copies) memcpy(target, &word, sizeof word);
        sum += (word & 0xffffffff) + (word >> 32);
    }
    if (count > 0) {
        uint64_t word = 0;
        for (size_t index = 0; index < count; index++) {
            if (copies) target[index] = source[index];
            ((uint8_t *)&word)[index] = source[index];
        }
        sum += (word & 0xffffffff) + (word >> 32);
    }
    return reduce(sum);
}

FOR_EACH_PROCESSOR uint64_t cchecksum_sum(const void *start, size_t count) { return run(start, NULL, count); }

FOR_EACH_PROCESSOR uint64_t cchecksum_copy(const void *source, void *target, size_t count) {
    return run(source, target, count);
}
