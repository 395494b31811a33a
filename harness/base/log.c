/* log.c - log lines and the live progress line, both on stderr. */
#include "log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "clock.h"
#include "memory.h"
#include "strbuf.h"

#define REDRAW_NS (100 * NS_PER_MS)
#define PLAIN_NS (30 * NS_PER_SECOND)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum log_level level_shown = LOG_INFO;
static int live = -1;              /* -1: not yet known */
static char *live_text;            /* owned; what stands on the live line */
static bool live_drawn;
static char *phase_shown, *step_shown; /* owned */
static uint64_t phase_began_ns, shown_ns;

static bool is_live(void)
{
	const char *term;

	if (live < 0) {
		term = getenv("TERM");
		live = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
	}
	return live > 0;
}

static void erase_live(void)
{
	if (live_drawn)
		fputs("\r\033[K", stderr);
	live_drawn = false;
}

static void draw_live(void)
{
	struct winsize size = { 0 };
	int columns = 80;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
		columns = size.ws_col;
	/* One column stays free, or the terminal would wrap. */
	fprintf(stderr, "\r\033[K%.*s", columns - 1, live_text);
	live_drawn = true;
}

void log_set_level(enum log_level level)
{
	pthread_mutex_lock(&lock);
	level_shown = level;
	pthread_mutex_unlock(&lock);
}

void log_set_live(bool wanted)
{
	pthread_mutex_lock(&lock);
	live = wanted;
	pthread_mutex_unlock(&lock);
}

void log_line(enum log_level level, const char *format, ...)
{
	static const char *const heads[] = {
		[LOG_ERROR] = "error: ", [LOG_WARNING] = "warning: ",
		[LOG_INFO] = "", [LOG_DEBUG] = "debug: ",
	};
	cleanup_free char *text = NULL;
	va_list arguments;
	bool redraw;

	va_start(arguments, format);
	text = string_vformat(format, arguments);
	va_end(arguments);
	pthread_mutex_lock(&lock);
	if (level <= level_shown) {
		redraw = live_drawn;
		erase_live();
		fprintf(stderr, "%s%s\n", heads[level], text);
		if (redraw)
			draw_live();
		fflush(stderr);
	}
	pthread_mutex_unlock(&lock);
}

static char *progress_text(const char *phase, const char *step_name,
			   uint64_t done, uint64_t total, uint64_t elapsed_ns,
			   uint64_t remaining_ns, const char *detail)
{
	struct strbuf text = STRBUF_INIT;
	char time[CLOCK_TEXT_MAX];

	strbuf_addf(&text, "[%s] %s", phase, step_name ? step_name : "");
	if (total)
		strbuf_addf(&text, " %" PRIu64 "/%" PRIu64, done, total);
	else if (done)
		strbuf_addf(&text, " %" PRIu64, done);
	strbuf_addf(&text, "  elapsed %s", duration_format(elapsed_ns, time));
	if (remaining_ns != UINT64_MAX)
		strbuf_addf(&text, "  remaining %s",
			    duration_format(remaining_ns, time));
	if (detail && *detail)
		strbuf_addf(&text, "  %s", detail);
	return strbuf_detach(&text);
}

/* Takes over the new value; whether it differs from the old one. */
static bool replace_text(char **shown, const char *text)
{
	if (*shown && text && strcmp(*shown, text) == 0)
		return false;
	if (!*shown && !text)
		return false;
	free(*shown);
	*shown = string_copy(text);
	return true;
}

void progress_update(const char *phase, const char *step_name, uint64_t done,
		     uint64_t total, uint64_t remaining_ns, const char *detail)
{
	uint64_t now_ns = clock_monotonic_ns(), wait_ns;
	bool changed;

	pthread_mutex_lock(&lock);
	changed = replace_text(&phase_shown, phase);
	if (changed)
		phase_began_ns = now_ns;
	changed |= replace_text(&step_shown, step_name);
	wait_ns = is_live() ? REDRAW_NS : PLAIN_NS;
	if (changed || now_ns - shown_ns >= wait_ns) {
		free(live_text);
		live_text = progress_text(phase, step_name, done, total,
					  now_ns - phase_began_ns,
					  remaining_ns, detail);
		if (is_live())
			draw_live();
		else
			fprintf(stderr, "%s\n", live_text);
		fflush(stderr);
		shown_ns = now_ns;
	}
	pthread_mutex_unlock(&lock);
}

void progress_clear(void)
{
	pthread_mutex_lock(&lock);
	erase_live();
	fflush(stderr);
	free(live_text);
	free(phase_shown);
	free(step_shown);
	live_text = phase_shown = step_shown = NULL;
	shown_ns = 0;
	pthread_mutex_unlock(&lock);
}
