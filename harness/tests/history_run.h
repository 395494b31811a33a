/* history_run.h - made-up nights for tests of history, gates against earlier runs and
 * baselines: runs of sample_run.h (campaign "quick"; cells up/quick and numa/memory; rows
 * first and second; metrics fallocate_ns and rate_gib_s), one block each a day apart.
 */
#ifndef KERNGATE_TESTS_HISTORY_RUN_H
#define KERNGATE_TESTS_HISTORY_RUN_H

#include "run_store.h"

struct history_night {
	uint32_t number;             /* day, from 0; the id follows from it */
	double factor;               /* of "patched"; the baseline has 1 */
	const char *fingerprint;     /* NULL: HISTORY_FINGERPRINT */
	uint32_t blocks_count;       /* 0: 2 */
	enum run_mode mode;
};

#define HISTORY_FINGERPRINT                                                    \
	"accelerator=tcg\nguest=up 0\nhost.cpu=A\nkerngate=1\nvariant.cmdline=x\n"

/* "20260101-000000-quick" and so on; owned. */
char *history_night_id(uint32_t number);
/* Stores it, finished; false, and a failure of the test, if it cannot. Figures scatter
 * by less than 0.2 % from night to night and boot to boot; in exact mode not at all. */
bool history_night_store(struct run_store *store, const struct history_night *night);
/* A run of that night that the caller may change before it is stored by
 * history_night_finish. */
struct stored_run history_night_make(const struct history_night *night);
bool history_night_finish(struct run_store *store, struct stored_run *run,
			  const struct history_night *night);
/* Nights 0 to count - 1; "patched" is `factor` from night `from` on. */
bool history_nights_store(struct run_store *store, uint32_t count, uint32_t from,
			  double factor);

#endif
