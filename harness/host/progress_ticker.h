/* progress_ticker.h - keeps the progress line alive while one long call (a
 * download, a clone) says nothing itself: a thread that reports once a second
 * how much a folder holds.
 */
#ifndef KERNGATE_HOST_PROGRESS_TICKER_H
#define KERNGATE_HOST_PROGRESS_TICKER_H

#include <stdint.h>

#include "cleanup.h"

struct progress_ticker;

/* Texts and folder are copied. folder NULL: only the time is shown.
 * expected_bytes 0: unknown. Never NULL. */
struct progress_ticker *progress_ticker_start(const char *phase,
					      const char *step,
					      const char *detail,
					      const char *folder,
					      uint64_t expected_bytes);
void progress_ticker_stop(struct progress_ticker *ticker); /* NULL allowed */

static inline void cleanup_stop_ticker_(struct progress_ticker **ticker)
{
	progress_ticker_stop(*ticker);
}

#define cleanup_ticker cleanup_with(cleanup_stop_ticker_) __attribute__((unused))

#endif
