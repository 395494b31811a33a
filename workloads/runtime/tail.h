/* tail.h - the distribution of many times of one kind (waits, wake-ups): kept whole in
 * memory while it is measured, told as percentiles and, all of it, as an artifact.
 *
 *	setup:    tail_init_or_broken(&tail, 10000);
 *	measure:  tail_add(&tail, wait_ns);
 *	          ... when the last round is over:
 *	          tail_report(&tail, "wait");  // wait_p50_ns, _p99_ns, _p999_ns, _max_ns
 *	cleanup:  tail_release(&tail);
 *
 * Percentiles are by nearest rank, so each is a time that was measured. Knows no
 * workload.
 */
#ifndef KERNGATE_RUNTIME_TAIL_H
#define KERNGATE_RUNTIME_TAIL_H

#include <stddef.h>
#include <stdint.h>

struct tail {
	uint64_t *values_ns;       /* owned */
	size_t count, capacity;
	size_t lost_count;         /* beyond the capacity */
};

/* Room for so many times; the memory is touched, so that tail_add() causes no page
 * fault. Ends the workload as broken without memory. */
void tail_init_or_broken(struct tail *ret_tail, size_t capacity);
/* May be called for one that was never initialised (all 0), and twice. */
void tail_release(struct tail *tail);

/* No system call. From one thread at a time. */
void tail_add(struct tail *tail, uint64_t value_ns);
/* Adds all of the other's times. */
void tail_join(struct tail *tail, const struct tail *other);

/* The time of which permille / 1000 of all are not above it, 1 to 1000; of times that
 * are in order, count > 0. */
uint64_t tail_rank_ns(const uint64_t *ordered_ns, size_t count, uint32_t permille);

/* Adds one sample each of the metrics NAME_p50_ns, NAME_p99_ns, NAME_p999_ns and
 * NAME_max_ns, which the workload declares. Ends the workload as broken if there is no
 * time, or if one did not find room. Puts the times in order. */
void tail_sample(struct tail *tail, const char *name);
/* The same, and the artifact NAME.txt before: each time on a line, in the order of
 * tail_add(). */
void tail_report(struct tail *tail, const char *name);

#endif
