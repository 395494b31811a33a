/* browser.c - Chromium's DevTools protocol, as little of it as the tests need
 * (chromedevtools.github.io/devtools-protocol).
 */
#include "browser.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "process.h"
#include "strbuf.h"
#include "test.h"

#define DEADLINE_NS (60 * NS_PER_SECOND)

struct browser {
	pid_t pid;
	int to, from;            /* pipes */
	char *session;           /* of the page; owned */
	struct strbuf input;     /* read, not yet a whole message */
	struct strbuf messages;
	long last_id;
	bool is_loaded;
};

/* --- messages ----------------------------------------------------------------------------- */

static bool send_message(struct browser *browser, const char *method, json_t *params)
{
	json_t *message = json_pack("{s:i, s:s, s:o}", "id", (int)++browser->last_id, "method",
				    method, "params", params ? params : json_object());
	cleanup_free char *text = NULL;

	if (browser->session)
		json_object_set_new(message, "sessionId", json_string(browser->session));
	text = json_dumps(message, JSON_COMPACT);
	json_decref(message);
	return text && fd_write_all(browser->to, text, strlen(text) + 1) == 0;
}

/* The next message; owned; NULL when none comes in time. */
static json_t *receive(struct browser *browser, uint64_t deadline_ns)
{
	for (;;) {
		char *end = memchr(browser->input.data, '\0', browser->input.length);
		struct pollfd pipe = { .fd = browser->from, .events = POLLIN };
		uint64_t now_ns = clock_monotonic_ns();
		char block[65536];
		ssize_t got;

		if (end) {
			size_t length = (size_t)(end - browser->input.data) + 1;
			json_t *message = json_loads(browser->input.data, 0, NULL);

			memmove(browser->input.data, browser->input.data + length,
				browser->input.length - length);
			strbuf_cut(&browser->input, browser->input.length - length);
			return message;
		}
		if (now_ns >= deadline_ns ||
		    poll(&pipe, 1, (int)((deadline_ns - now_ns) / NS_PER_MS) + 1) <= 0)
			return NULL;
		got = read(browser->from, block, sizeof(block));
		if (got <= 0)
			return NULL;
		strbuf_add(&browser->input, block, (size_t)got);
	}
}

static const char *text_at(const json_t *json, const char *a, const char *b, const char *c)
{
	const char *const keys[] = { a, b, c };

	for (size_t i = 0; i < ARRAY_COUNT(keys) && keys[i]; i++)
		json = json_object_get(json, keys[i]);
	return json_is_string(json) ? json_string_value(json) : "";
}

static void note(struct browser *browser, const char *what, const char *text)
{
	strbuf_addf(&browser->messages, "%s: %s\n", what, text);
}

/* The page itself is the one request that is expected. */
static void take_request(struct browser *browser, const json_t *message)
{
	const char *url = text_at(message, "params", "request", "url");

	if (strcmp(text_at(message, "params", "type", NULL), "Document") != 0)
		note(browser, "request", url);
}

static void take_event(struct browser *browser, const json_t *message)
{
	const char *method = text_at(message, "method", NULL, NULL);

	if (!strcmp(method, "Page.loadEventFired"))
		browser->is_loaded = true;
	else if (!strcmp(method, "Runtime.exceptionThrown"))
		note(browser, "exception",
		     text_at(message, "params", "exceptionDetails", "text"));
	else if (!strcmp(method, "Log.entryAdded"))
		note(browser, text_at(message, "params", "entry", "level"),
		     text_at(message, "params", "entry", "text"));
	else if (!strcmp(method, "Runtime.consoleAPICalled"))
		note(browser, "console", text_at(message, "params", "type", NULL));
	else if (!strcmp(method, "Network.requestWillBeSent"))
		take_request(browser, message);
}

/* Sends and waits for the answer; its "result", owned; NULL, and a failure of the test,
 * without one. */
static json_t *call(struct browser *browser, const char *method, json_t *params)
{
	uint64_t deadline_ns = clock_monotonic_ns() + DEADLINE_NS;
	json_t *message, *result = NULL;
	long id;

	if (!test_check(send_message(browser, method, params)))
		return NULL;
	id = browser->last_id;
	while (!result && (message = receive(browser, deadline_ns))) {
		if (json_integer_value(json_object_get(message, "id")) != id) {
			take_event(browser, message);
		} else {
			test_check_string(text_at(message, "error", "message", NULL), "");
			result = json_incref(json_object_get(message, "result"));
			json_decref(message);
			break;
		}
		json_decref(message);
	}
	test_check(result != NULL);
	return result;
}

/* The same where the answer does not matter. */
static bool order(struct browser *browser, const char *method, json_t *params)
{
	json_t *result = call(browser, method, params);

	json_decref(result);
	return result != NULL;
}

/* --- start and end ------------------------------------------------------------------------- */

static _Noreturn void execute(const char *program, const char *folder, int in, int out)
{
	cleanup_free char *profile = string_format("--user-data-dir=%s/profile", folder);
	const char *const argv[] = {
		"chromium", "--headless", "--remote-debugging-pipe", "--no-first-run",
		"--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions",
		"--disable-background-networking", "--disable-component-update",
		"--force-device-scale-factor=1", "--hide-scrollbars", profile, "about:blank",
		/* Chromium's sandbox refuses to start as root. */
		geteuid() == 0 ? "--no-sandbox" : NULL, NULL,
	};
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setpgid(0, 0);
	in = fcntl(in, F_DUPFD, 10);
	out = fcntl(out, F_DUPFD, 10);
	if (dup2(null, 0) == 0 && dup2(null, 1) == 1 && dup2(null, 2) == 2 && dup2(in, 3) == 3 &&
	    dup2(out, 4) == 4 && !setenv("HOME", folder, 1) &&
	    !setenv("XDG_CONFIG_HOME", folder, 1) && !setenv("XDG_CACHE_HOME", folder, 1))
		execv(program, (char *const *)argv);
	_exit(126);
}

static bool launch(struct browser *browser, const char *program)
{
	const char *folder = test_temp_folder();
	int to[2], from[2];

	if (!test_check(pipe2(to, O_CLOEXEC) == 0) || !test_check(pipe2(from, O_CLOEXEC) == 0))
		return false;
	browser->pid = fork();
	if (browser->pid == 0)
		execute(program, folder, to[0], from[1]);
	(void)close(to[0]);
	(void)close(from[1]);
	browser->to = to[1];
	browser->from = from[0];
	return test_check(browser->pid > 0);
}

/* A page of our own, of which all is told that the tests want to know. */
static bool attach(struct browser *browser)
{
	static const char *const domains[] = { "Page.enable", "Runtime.enable", "Log.enable",
					       "Network.enable", "Accessibility.enable" };
	json_t *target = call(browser, "Target.createTarget",
			      json_pack("{s:s}", "url", "about:blank")), *attached;
	bool holds;

	if (!target)
		return false;
	attached = call(browser, "Target.attachToTarget",
			json_pack("{s:s, s:b}", "targetId", text_at(target, "targetId", NULL, NULL),
				  "flatten", 1));
	browser->session = string_copy(text_at(attached, "sessionId", NULL, NULL));
	json_decref(target);
	json_decref(attached);
	holds = test_check(browser->session[0] != '\0');
	for (size_t i = 0; holds && i < ARRAY_COUNT(domains); i++)
		holds = order(browser, domains[i], NULL);
	return holds;
}

struct browser *browser_start(void)
{
	cleanup_free char *program = process_find_program("chromium");
	struct browser *browser;

	if (!program) {
		test_skip("chromium is not installed (Debian: the package chromium)");
		return NULL;
	}
	browser = memory_alloc(sizeof(*browser));
	*browser = (struct browser){ .to = -1, .from = -1, .input = STRBUF_INIT,
				     .messages = STRBUF_INIT };
	if (!launch(browser, program) || !attach(browser))
		browser_end(&browser);
	return browser;
}

void browser_end(struct browser **browser)
{
	struct browser *ended = *browser;

	*browser = NULL;
	if (!ended)
		return;
	if (ended->pid > 0) {
		(void)kill(-ended->pid, SIGKILL);
		(void)kill(ended->pid, SIGKILL);
		CU_ASSERT_EQUAL(waitpid(ended->pid, NULL, 0), ended->pid);
	}
	if (ended->to >= 0)
		(void)close(ended->to);
	if (ended->from >= 0)
		(void)close(ended->from);
	strbuf_release(&ended->input);
	strbuf_release(&ended->messages);
	free(ended->session);
	free(ended);
}

/* --- what tests call ------------------------------------------------------------------------- */

bool browser_view(struct browser *browser, int width, int height, bool is_dark)
{
	return order(browser, "Emulation.setDeviceMetricsOverride",
		     json_pack("{s:i, s:i, s:i, s:b}", "width", width, "height", height,
			       "deviceScaleFactor", 1, "mobile", width < 600)) &&
	       order(browser, "Emulation.setEmulatedMedia",
		     json_pack("{s:[{s:s, s:s}]}", "features", "name", "prefers-color-scheme",
			       "value", is_dark ? "dark" : "light"));
}

bool browser_open(struct browser *browser, const char *path)
{
	cleanup_free char *url = string_format("file://%s", path);
	uint64_t deadline_ns = clock_monotonic_ns() + DEADLINE_NS;
	json_t *message;

	browser->is_loaded = false;
	strbuf_reset(&browser->messages);
	if (!order(browser, "Page.navigate", json_pack("{s:s}", "url", url)))
		return false;
	while (!browser->is_loaded && (message = receive(browser, deadline_ns))) {
		take_event(browser, message);
		json_decref(message);
	}
	return test_check(browser->is_loaded);
}

json_t *browser_ask(struct browser *browser, const char *expression)
{
	json_t *answer = call(browser, "Runtime.evaluate",
			      json_pack("{s:s, s:b}", "expression", expression, "returnByValue", 1));
	json_t *value = json_object_get(json_object_get(answer, "result"), "value");

	test_check_string(text_at(answer, "exceptionDetails", "exception", "description"), "");
	json_incref(value);
	json_decref(answer);
	return value;
}

double browser_ask_number(struct browser *browser, const char *expression)
{
	json_t *value = browser_ask(browser, expression);
	double number = json_is_number(value) ? json_number_value(value) : -1;

	json_decref(value);
	return number;
}

const char *browser_messages(struct browser *browser)
{
	/* An answer comes behind the events that were on their way. */
	json_decref(browser_ask(browser, "0"));
	return browser->messages.data;
}

json_t *browser_tree(struct browser *browser)
{
	json_t *answer = call(browser, "Accessibility.getFullAXTree", NULL);
	json_t *nodes = json_incref(json_object_get(answer, "nodes"));

	json_decref(answer);
	return nodes;
}

bool browser_screenshot(struct browser *browser, const char *path, bool is_whole)
{
	json_t *answer = call(browser, "Page.captureScreenshot",
			      json_pack("{s:s, s:b}", "format", "png", "captureBeyondViewport",
					is_whole));
	const char *data = text_at(answer, "data", NULL, NULL);
	size_t length = strlen(data);
	cleanup_free unsigned char *png = memory_alloc(length + 4);
	int size = EVP_DecodeBlock(png, (const unsigned char *)data, (int)length);
	bool holds = test_check(size > 0) &&
		     test_check(file_write_atomic(path, png, (size_t)size, 0644) == 0);

	json_decref(answer);
	return holds;
}
