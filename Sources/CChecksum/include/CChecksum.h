#ifndef CCHECKSUM_H
#define CCHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/// The sum of 16-bit words in the machine's own byte order, modulo 65535 and below 2³², of `count` bytes at `start`, at
/// any alignment. An odd last byte is the first half of a word.
uint64_t cchecksum_sum(const void *start, size_t count);

/// Copies `count` bytes to `target`, which doesn't overlap them, and returns their sum as `cchecksum_sum` does.
uint64_t cchecksum_copy(const void *source, void *target, size_t count);

#endif
