/* progress_ticker.c - see progress_ticker.h. */
#include "progress_ticker.h"

#include <pthread.h>
#include <stdbool.h>

#include "clock.h"
#include "files.h"
#include "log.h"
#include "memory.h"

#define MIB (UINT64_C(1) << 20)

struct progress_ticker {
	char *phase, *step, *detail, *folder; /* owned */
	uint64_t expected_bytes, began_ns;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t woken;
	bool has_thread, is_stopping;         /* under lock */
};

static void tick(const struct progress_ticker *ticker)
{
	uint64_t done_bytes = 0, remaining_ns = UINT64_MAX, spent_ns;
	cleanup_free char *detail = NULL;

	if (ticker->folder &&
	    folder_disk_bytes(ticker->folder, false, &done_bytes) < 0)
		done_bytes = 0;
	if (done_bytes > ticker->expected_bytes && ticker->expected_bytes)
		done_bytes = ticker->expected_bytes;
	if (done_bytes >= MIB && ticker->expected_bytes) {
		spent_ns = clock_monotonic_ns() - ticker->began_ns;
		remaining_ns = (uint64_t)((double)spent_ns *
			((double)ticker->expected_bytes / (double)done_bytes - 1));
	}
	detail = ticker->folder ? string_format("MiB %s", ticker->detail) :
				  string_copy(ticker->detail);
	progress_update(ticker->phase, ticker->step, done_bytes / MIB,
			(ticker->expected_bytes + MIB - 1) / MIB, remaining_ns,
			detail);
}

static void *ticker_main(void *argument)
{
	struct progress_ticker *ticker = argument;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	pthread_mutex_lock(&ticker->lock);
	while (!ticker->is_stopping) {
		pthread_mutex_unlock(&ticker->lock);
		tick(ticker);
		next.tv_sec++;
		pthread_mutex_lock(&ticker->lock);
		if (!ticker->is_stopping)
			pthread_cond_timedwait(&ticker->woken, &ticker->lock,
					       &next);
	}
	pthread_mutex_unlock(&ticker->lock);
	return NULL;
}

struct progress_ticker *progress_ticker_start(const char *phase,
					      const char *step,
					      const char *detail,
					      const char *folder,
					      uint64_t expected_bytes)
{
	struct progress_ticker *ticker = memory_alloc(sizeof(*ticker));
	pthread_condattr_t attributes;

	*ticker = (struct progress_ticker){
		.phase = string_copy(phase), .step = string_copy(step),
		.detail = string_copy(detail), .folder = string_copy(folder),
		.expected_bytes = expected_bytes,
		.began_ns = clock_monotonic_ns(),
	};
	pthread_mutex_init(&ticker->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&ticker->woken, &attributes);
	pthread_condattr_destroy(&attributes);
	/* Without a thread the work still gets done, only silently. */
	ticker->has_thread = pthread_create(&ticker->thread, NULL, ticker_main,
					    ticker) == 0;
	return ticker;
}

void progress_ticker_stop(struct progress_ticker *ticker)
{
	if (!ticker)
		return;
	pthread_mutex_lock(&ticker->lock);
	ticker->is_stopping = true;
	pthread_cond_signal(&ticker->woken);
	pthread_mutex_unlock(&ticker->lock);
	if (ticker->has_thread)
		pthread_join(ticker->thread, NULL);
	pthread_cond_destroy(&ticker->woken);
	pthread_mutex_destroy(&ticker->lock);
	free(ticker->phase);
	free(ticker->step);
	free(ticker->detail);
	free(ticker->folder);
	free(ticker);
}
