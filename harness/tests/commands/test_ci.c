/* test_ci.c - configs/ci: units by systemd-analyze, pipelines by the parsers of those who
 * run them, what their steps make of kerngate's exit status, and the hooks.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "process.h"
#include "program.h"
#include "strbuf.h"
#include "test.h"

#define CI "configs/ci/"

static char *read_source(const char *name)
{
	cleanup_free char *path = path_join(test_root(), name);
	char *text = NULL;

	CU_ASSERT_EQUAL(file_read(path, 1 << 20, &text, NULL), 0);
	return text ? text : string_copy("");
}

/* Result of process_run; *ret_said (owned): what it wrote to both outputs. */
static int run_here(const char *folder, const char *const *environment,
		    const char *const *argv, char **ret_said, struct error *err)
{
	cleanup_free char *path = path_join(test_temp_folder(), "said");
	const struct process_options options = { .folder = folder,
						 .environment = environment,
						 .output_path = path,
						 .timeout_ns = 300 * NS_PER_SECOND };
	int rc = process_run(argv, &options, NULL, err);

	if (file_read(path, 1 << 20, ret_said, NULL))
		*ret_said = string_copy("");
	return rc;
}

/* `text` with the first `from` made `to`; owned. */
static char *replaced(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	if (!test_check(at != NULL))
		return string_copy(text);
	return string_format("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void write_text_mode(const char *folder, const char *name, const char *text,
			    mode_t mode)
{
	cleanup_free char *path = path_join(folder, name);

	CU_ASSERT_EQUAL(file_write_atomic(path, text, strlen(text), mode), 0);
}

static void write_text(const char *folder, const char *name, const char *text)
{
	write_text_mode(folder, name, text, 0644);
}

static void write_program(const char *folder, const char *name, const char *text)
{
	write_text_mode(folder, name, text, 0755);
}

static bool is_missing(const char *program)
{
	cleanup_free char *path = process_find_program(program);

	return !path;
}

/* --- shell ---------------------------------------------------------------------------- */

static void test_shellcheck(void)
{
	static const char *const argv[] = { "shellcheck", CI "hooks/mail.sh",
					    CI "hooks/webhook.sh",
					    "harness/tests/ci/parsers.sh", NULL };
	cleanup_free char *said = NULL;
	struct error err = ERROR_INIT;

	if (is_missing("shellcheck"))
		return test_skip("shellcheck is not on this host");
	CU_ASSERT_EQUAL(run_here(test_root(), NULL, argv, &said, &err), 0);
	test_check_string(said, "");
}

/* --- systemd ----------------------------------------------------------------------------- */

/* What systemd-analyze says of the unit, whose program is there; owned. */
static char *verify_unit(const char *service, const char *timer)
{
	const char *folder = test_temp_folder();
	cleanup_free char *unit = path_join(folder, "kerngate-nightly.service");
	cleanup_free char *timer_unit = path_join(folder, "kerngate-nightly.timer");
	const char *const argv[] = { "systemd-analyze", "verify", "--man=no", unit, timer_unit,
				     NULL };
	cleanup_free char *exec = replaced(service, strstr(service, "%h/kerngate/build") ?
					   "ExecStart=%h/kerngate/build/kerngate" :
					   "ExecStart=/usr/local/bin/kerngate",
					   "ExecStart=/bin/sh");
	struct error err = ERROR_INIT;
	char *said = NULL;

	write_text(folder, "kerngate-nightly.service", exec);
	write_text(folder, "kerngate-nightly.timer", timer);
	(void)!run_here(folder, NULL, argv, &said, &err);
	return said;
}

static void test_units(void)
{
	cleanup_free char *service = read_source(CI "systemd/kerngate-nightly.service");
	cleanup_free char *user = read_source(CI "systemd/user/kerngate-nightly.service");
	cleanup_free char *timer = read_source(CI "systemd/kerngate-nightly.timer");
	cleanup_free char *wrong_key = replaced(service, "ProtectHome=", "ProtectHouse=");
	cleanup_free char *wrong_time = replaced(timer, "01:30:00", "25:30:00");
	const struct { const char *service, *timer; bool is_right; } cases[] = {
		{ service, timer, true }, { user, timer, true },
		{ wrong_key, timer, false }, { service, wrong_time, false },
	};

	if (is_missing("systemd-analyze"))
		return test_skip("systemd-analyze is not on this host");
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_free char *said = verify_unit(cases[i].service, cases[i].timer);

		if (cases[i].is_right)
			test_check_string(said, "");
		else
			CU_ASSERT(strlen(said) > 0);
	}
}

/* Seconds of "TimeoutStartSec=7h" and minutes of "--budget 360" fit together. */
static void test_budget(void)
{
	static const char *const names[] = { CI "systemd/kerngate-nightly.service",
					     CI "systemd/user/kerngate-nightly.service" };

	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		cleanup_free char *text = read_source(names[i]);
		const char *timeout = strstr(text, "\nTimeoutStartSec=");
		const char *budget = strstr(text, "--budget ");
		unsigned int hours = 0, minutes = 0;

		if (!test_check(timeout && budget))
			continue;
		CU_ASSERT_EQUAL(sscanf(timeout, "\nTimeoutStartSec=%uh\n", &hours), 1);
		CU_ASSERT_EQUAL(sscanf(budget, "--budget %u ", &minutes), 1);
		CU_ASSERT(hours * 60 >= minutes + 60);
		test_check_contains(text, "\nSuccessExitStatus=3\n");
	}
}

/* --- pipelines, by those who read them ------------------------------------------------------ */

/* Where the parsers are; NULL: skipped. Owned. */
static char *parsers(void)
{
	cleanup_free char *folder = path_join(test_root(), "build/check/ci-parsers");
	const char *const argv[] = { "sh", "harness/tests/ci/parsers.sh", folder, NULL };
	cleanup_free char *said = NULL;
	struct error err = ERROR_INIT;
	int rc = run_here(test_root(), NULL, argv, &said, &err);

	if (!rc)
		return take_pointer(folder);
	if (strstr(err.message, "status 77"))
		test_skip(said);
	else
		test_check_string(err.message, "the parsers");
	return NULL;
}

static void check_workflow(const char *folder, const char *text, const char *expected,
			   bool is_right)
{
	cleanup_free char *program = path_join(folder, "workflow.cjs");
	const char *place = test_temp_folder();
	const char *const argv[] = { "node", program, "w.yml", NULL };
	cleanup_free char *said = NULL;
	struct error err = ERROR_INIT;

	write_text(place, "w.yml", text);
	CU_ASSERT_EQUAL(run_here(place, NULL, argv, &said, &err), is_right ? 0 : -EREMOTEIO);
	test_check_contains(said, expected);
}

static void test_workflow(void)
{
	cleanup_free char *folder = parsers();
	cleanup_free char *text = read_source(CI "github-workflow.yml");
	cleanup_free char *key = replaced(text, "runs-on:", "runs-onn:");
	cleanup_free char *name = replaced(text, "github.event_name", "githb.event_name");
	cleanup_free char *cron = replaced(text, "30 1 * * *", "30 25 * * *");

	if (!folder)
		return;
	check_workflow(folder, text, "nightly gate", true);
	check_workflow(folder, key, "Unexpected value 'runs-onn'", false);
	check_workflow(folder, name, "Unrecognized named-value: 'githb'", false);
	check_workflow(folder, cron, "Invalid cron expression", false);
}

static void check_gitlab(const char *folder, const char *text, const char *expected,
			 bool is_right)
{
	cleanup_free char *program = path_join(folder, "node_modules/.bin/gitlab-ci-local");
	const char *place = test_temp_folder();
	const char *const git[] = { "git", "init", "-q", ".", NULL };
	const char *const argv[] = { program, "--list-json", NULL };
	const char *const environment[] = { "NO_COLOR=1", "FORCE_COLOR=0", NULL };
	cleanup_free char *said = NULL, *nothing = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(run_here(place, NULL, git, &nothing, &err), 0);
	write_text(place, ".gitlab-ci.yml", text);
	CU_ASSERT_EQUAL(run_here(place, environment, argv, &said, &err),
			is_right ? 0 : -EREMOTEIO);
	test_check_contains(said, expected);
}

static void test_gitlab(void)
{
	cleanup_free char *folder = parsers();
	cleanup_free char *text = read_source(CI "gitlab-ci.yml");
	cleanup_free char *codes = replaced(text, "exit_codes: [3]", "exit_codes: [three]");
	cleanup_free char *key = replaced(text, "    reports:", "    reportz:");

	if (!folder)
		return;
	check_gitlab(folder, text, "json schema validated", true);
	check_gitlab(folder, codes, "Invalid .gitlab-ci.yml configuration", false);
	check_gitlab(folder, key, "'reportz' property is not expected", false);
}

/* --- Jenkins ---------------------------------------------------------------------------------- */

static int parse_groovy(const char *text)
{
	cleanup_free char *script = path_join(test_root(), "harness/tests/ci/groovy_parse.groovy");
	const char *place = test_temp_folder();
	const char *const argv[] = { "groovy", script, "Jenkinsfile", NULL };
	cleanup_free char *said = NULL;
	struct error err = ERROR_INIT;

	write_text(place, "Jenkinsfile", text);
	return run_here(place, NULL, argv, &said, &err);
}

static void test_groovy(void)
{
	cleanup_free char *text = read_source(CI "Jenkinsfile");
	cleanup_free char *open = replaced(text, "    }\n    options {", "    options {");

	if (is_missing("groovy"))
		return test_skip("groovy is not on this host");
	CU_ASSERT_EQUAL(parse_groovy(text), 0);
	CU_ASSERT_EQUAL(parse_groovy(open), -EREMOTEIO);
}

/* Blocks of a declarative pipeline, and which may hold which (Jenkins' "Pipeline
 * Syntax"); those with no entry of their own hold steps. */
static bool may_hold(const char *outer, const char *inner)
{
	static const char *const pairs[][2] = {
		{ "", "pipeline" }, { "pipeline", "agent" }, { "pipeline", "triggers" },
		{ "pipeline", "options" }, { "pipeline", "environment" },
		{ "pipeline", "stages" }, { "pipeline", "post" }, { "stages", "stage" },
		{ "stage", "when" }, { "stage", "steps" }, { "stage", "post" },
		{ "when", "not" }, { "post", "always" }, { "steps", "script" },
		{ "script", "if" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(pairs); i++)
		if (strcmp(pairs[i][0], outer) == 0 && strcmp(pairs[i][1], inner) == 0)
			return true;
	return false;
}

/* The word before a brace: "stage" of `stage('Build') {`. */
static char *block_name(const char *text, const char *brace)
{
	const char *end = brace, *start;

	while (end > text && end[-1] == ' ')
		end--;
	if (end > text && end[-1] == ')')
		while (end > text && *--end != '(')
			;
	for (start = end; start > text && start[-1] >= 'a' && start[-1] <= 'z';)
		start--;
	return string_copy_n(start, (size_t)(end - start));
}

static size_t wrong_blocks(const char *text)
{
	cleanup_strvec struct strvec open = STRVEC_INIT;
	const char *at = strstr(text, "\npipeline {");
	size_t wrong = 0, depth = 0;

	for (; at && *at; at++) {
		if (*at == '}' && depth)
			depth--;
		if (*at != '{' || at[-1] == '$') {
			depth += *at == '{';
			if (*at == '{')
				strvec_push(&open, "");
			continue;
		}
		cleanup_free char *name = block_name(text, at);

		wrong += !may_hold(depth ? open.items[depth - 1] : "", name);
		while (open.count <= depth)
			strvec_push(&open, "");
		free(open.items[depth]);
		open.items[depth++] = string_copy(name);
	}
	return wrong + depth;
}

static void test_jenkins_blocks(void)
{
	cleanup_free char *text = read_source(CI "Jenkinsfile");
	cleanup_free char *misspelt = replaced(text, "stages {", "stagess {");
	cleanup_free char *misplaced = replaced(text, "    options {", "    steps {");

	CU_ASSERT_EQUAL(wrong_blocks(text), 0);
	CU_ASSERT(wrong_blocks(misspelt) > 0);
	CU_ASSERT(wrong_blocks(misplaced) > 0);
}

/* --- exit status --------------------------------------------------------------------------------- */

/* The script of the step "- name: NAME" of a workflow; owned. */
static char *step_script(const char *workflow, const char *name)
{
	cleanup_free char *head = string_format("      - name: %s\n        run: |\n", name);
	struct strbuf script = STRBUF_INIT;
	const char *line = strstr(workflow, head);

	if (!test_check(line != NULL))
		return strbuf_detach(&script);
	for (line += strlen(head); strncmp(line, "          ", 10) == 0;) {
		size_t length = strcspn(line, "\n") + 1;

		strbuf_add(&script, line + 10, length - 10);
		line += length;
	}
	return strbuf_detach(&script);
}

/* A kerngate whose `nightly` and `gate` exit with a status; `run` is fine. */
static const char *place_with_kerngate(int status)
{
	const char *place = test_temp_folder();
	cleanup_free char *build = path_join(place, "build");
	cleanup_free char *text = string_format("#!/bin/sh\n[ \"$1\" = run ] || exit %d\n", status);

	CU_ASSERT_EQUAL(folder_make(build), 0);
	write_program(build, "kerngate", text);
	return place;
}

static void check_step(const char *workflow, const char *name, int status, bool fails)
{
	cleanup_free char *script = step_script(workflow, name), *said = NULL;
	cleanup_free char *expected = string_format("exit status %d", status);
	/* As a runner calls it. */
	const char *const argv[] = { "bash", "-e", "-c", script, NULL };
	const char *const environment[] = { "BUDGET=1", "KERNGATE_NIGHTS=r", NULL };
	struct error err = ERROR_INIT;
	int rc = run_here(place_with_kerngate(status), environment, argv, &said, &err);

	CU_ASSERT_EQUAL(rc, fails ? -EREMOTEIO : 0);
	test_check_string(said, status == 3 ? "::warning title=kerngate::inconclusive\n" : "");
	if (fails)
		test_check_contains(err.message, expected);
}

static void test_status(void)
{
	static const struct { int status; bool fails; } cases[] = {
		{ 0, false }, { 1, true }, { 2, true }, { 3, false }, { 4, true },
		{ 64, true }, { 130, true },
	};
	cleanup_free char *workflow = read_source(CI "github-workflow.yml");

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		check_step(workflow, "Night", cases[i].status, cases[i].fails);
		check_step(workflow, "Gate", cases[i].status, cases[i].fails);
	}
}

/* --- hooks --------------------------------------------------------------------------------------- */

#define VERDICT                                                                              \
	"{\"format\": 1, \"campaign\": \"nightly\\nBcc: x@y\", \"status\": %d,"               \
	" \"verdict\": \"regressed\", \"summary\": \"nightly: \\\"bad\\\" +12.3 %%\","         \
	" \"failure\": null, \"notes\": [\"one cell waits\"], \"report\": \"/r/report.html\"," \
	" \"events\": [{\"guest\": \"up\", \"suite\": \"quick\", \"row\": \"fill\","           \
	" \"metric\": \"fallocate_ns\", \"variant\": \"patched\", \"ratio\": 1.12345,"        \
	" \"state\": \"confirmed\", \"culprit\": \"0003-slow.patch\", \"reason\": null}]}"

static int run_hook(const char *place, const char *hook, const char *const *environment,
		    int status, char **ret_said)
{
	cleanup_free char *verdict = string_format(VERDICT, status);
	cleanup_free char *command = string_format("exec %s/" CI "hooks/%s <verdict.json",
						   test_root(), hook);
	const char *const argv[] = { "sh", "-c", command, NULL };
	struct error err = ERROR_INIT;

	write_text(place, "verdict.json", verdict);
	return run_here(place, environment, argv, ret_said, &err);
}

static void test_mail(void)
{
	static const char *const environment[] = { "SENDMAIL=./sendmail", NULL };
	const char *place = test_temp_folder();
	cleanup_free char *sent = NULL, *passed = NULL, *nobody = NULL;

	write_program(place, "sendmail", "#!/bin/sh\necho \"$*\"; cat\n");
	CU_ASSERT_EQUAL(run_hook(place, "mail.sh a@b c@d", environment, 1, &sent), 0);
	test_check_string(sent,
			  "-i -t\nTo: a@b, c@d\nSubject: kerngate nightlyBcc: x@y: regressed\n"
			  "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
			  "Auto-Submitted: auto-generated\n\n"
			  "nightly: \"bad\" +12.3 %\n\n"
			  "confirmed: patched up/quick fill.fallocate_ns x 1.1235\n"
			  "  by 0003-slow.patch\n\nnote: one cell waits\n\n"
			  "report: /r/report.html\n");
	CU_ASSERT_EQUAL(run_hook(place, "mail.sh a@b", environment, 0, &passed), 0);
	test_check_string(passed, "");
	CU_ASSERT_EQUAL(run_hook(place, "mail.sh", environment, 1, &nobody), -EREMOTEIO);
	test_check_contains(nobody, "expected at least one address");
}

/* One request is read to its end and answered; what came is in `path`. */
static _Noreturn void serve_once(int listener, const char *path, const char *answer)
{
	char buffer[4096];
	size_t length = 0;
	int fd;

	alarm(60);
	fd = accept(listener, NULL, NULL);
	while (length < sizeof(buffer) - 1) {
		ssize_t got = read(fd, buffer + length, sizeof(buffer) - 1 - length);

		if (got <= 0)
			break;
		length += (size_t)got;
		buffer[length] = '\0';
		if (strstr(buffer, "}") || strstr(buffer, "\r\n\r\n{}"))
			break;
	}
	_exit(fd_write_all(fd, answer, strlen(answer)) ||
	      file_write_atomic(path, buffer, length, 0644));
}

static char *post(const char *answer, int expected)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	cleanup_close int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *place = test_temp_folder();
	cleanup_free char *path = path_join(place, "request"), *said = NULL, *url = NULL;
	char *request = NULL;
	pid_t server;

	CU_ASSERT_EQUAL(bind(listener, (struct sockaddr *)&address, size), 0);
	CU_ASSERT_EQUAL(listen(listener, 1), 0);
	CU_ASSERT_EQUAL(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	url = string_format("KERNGATE_WEBHOOK_URL=http://127.0.0.1:%u/secret",
			    ntohs(address.sin_port));
	server = fork();
	if (server == 0)
		serve_once(listener, path, answer);
	CU_ASSERT_EQUAL(run_hook(place, "webhook.sh",
				 (const char *const[]){ url, "no_proxy=*", NULL }, 1, &said),
			expected);
	CU_ASSERT_EQUAL(waitpid(server, NULL, 0), server);
	CU_ASSERT_EQUAL(file_read(path, 1 << 16, &request, NULL), 0);
	return request ? request : string_copy("");
}

static void test_webhook(void)
{
	static const char *const none[] = { "KERNGATE_WEBHOOK_URL=", NULL };
	cleanup_free char *said = NULL, *request = NULL, *refused = NULL;

	if (is_missing("curl"))
		return test_skip("curl is not on this host");
	request = post("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 0);
	CU_ASSERT_EQUAL(strncmp(request, "POST /secret HTTP/1.1\r\n", 23), 0);
	test_check_contains(request, "Content-Type: application/json\r\n");
	test_check_contains(request, "\r\n\r\n{\"text\":\"**regressed** nightly: \\\"bad\\\" "
				     "+12.3 %\\nconfirmed: patched fill.fallocate_ns by "
				     "0003-slow.patch\"}");
	refused = post("HTTP/1.1 403 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		       -EREMOTEIO);
	test_check_contains(refused, "POST /secret");
	CU_ASSERT_EQUAL(run_hook(test_temp_folder(), "webhook.sh", none, 1, &said), 0);
	test_check_string(said, "");
}

TEST_SUITE("ci",
	   {"hooks and scripts are clean to shellcheck", test_shellcheck},
	   {"units are units to systemd-analyze", test_units},
	   {"the budget ends before the unit's timeout", test_budget},
	   {"the workflow is one to GitHub's parser", test_workflow},
	   {"the pipeline is one to GitLab's schema", test_gitlab},
	   {"the Jenkinsfile is Groovy", test_groovy},
	   {"the Jenkinsfile's blocks are in their places", test_jenkins_blocks},
	   {"what the workflow makes of each exit status", test_status},
	   {"mail: headers, body, and none of a night that passed", test_mail},
	   {"webhook: what is posted, and a refusal", test_webhook})
