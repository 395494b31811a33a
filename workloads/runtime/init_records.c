/* init_records.c - what a workload says, checked word by word and passed on as
 * lines. The workload is not trusted: it may have been overwritten by the
 * kernel under test.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init.h"

#define READ_BYTES 65536
#define VALUE_TEXT_MAX 40
#define REQUEST_TEXT_MAX 128

bool records_read(struct records *records, int fd)
{
	char chunk[READ_BYTES];

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		if (n == 0)
			return false;
		if (records->overflow)
			continue;
		if (records->length + (size_t)n > records->capacity) {
			size_t capacity = 2 * records->capacity + READ_BYTES;
			char *grown = capacity <= 2 * RECORDS_MAX_BYTES + READ_BYTES ?
					      realloc(records->data, capacity) : NULL;

			if (!grown) {
				records->overflow = true;
				continue;
			}
			records->data = grown;
			records->capacity = capacity;
		}
		memcpy(records->data + records->length, chunk, (size_t)n);
		records->length += (size_t)n;
		if (records->length > RECORDS_MAX_BYTES)
			records->overflow = true;
	}
}

void records_release(struct records *records)
{
	free(records->data);
	memset(records, 0, sizeof(*records));
}

/* Samples of one metric that follow each other share a line. */
struct sender {
	struct port *port;
	unsigned int row;
	struct line line;
	char metric[NAME_MAX_BYTES + 1]; /* of the open line; "" if none is open */
	struct {
		char name[NAME_MAX_BYTES + 1];
		unsigned long long next;
	} metrics[64];
	size_t metrics_count;
};

static bool name_copy(const char *text, size_t length, const char *more,
		      char name[NAME_MAX_BYTES + 1])
{
	size_t i;

	if (length == 0 || length > NAME_MAX_BYTES)
		return false;
	for (i = 0; i < length; i++) {
		char c = text[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '_' && !strchr(more, c))
			return false;
	}
	memcpy(name, text, length);
	name[length] = '\0';
	return true;
}

static void flush_samples(struct sender *sender)
{
	if (!*sender->metric)
		return;
	line_addf(&sender->line, "]}");
	port_send(sender->port, &sender->line);
	*sender->metric = '\0';
}

static unsigned long long *next_iteration(struct sender *sender, const char *name)
{
	size_t i;

	for (i = 0; i < sender->metrics_count; i++)
		if (!strcmp(sender->metrics[i].name, name))
			return &sender->metrics[i].next;
	if (i == sizeof(sender->metrics) / sizeof(sender->metrics[0]))
		return NULL;
	strcpy(sender->metrics[i].name, name);
	sender->metrics[i].next = 0;
	sender->metrics_count++;
	return &sender->metrics[i].next;
}

/* "sample METRIC VALUE" */
static const char *sample_pass_on(struct sender *sender, const char *text)
{
	const char *space = strchr(text, ' ');
	char name[NAME_MAX_BYTES + 1], printed[VALUE_TEXT_MAX], *end;
	unsigned long long *next;
	double value;

	if (!space || !name_copy(text, (size_t)(space - text), "", name))
		return "a sample without a metric's name";
	value = strtod(space + 1, &end);
	if (end == space + 1 || *end || !isfinite(value))
		return "a sample that is no finite number";
	if (fabs(value) <= 9e15 && value == (double)(long long)value)
		snprintf(printed, sizeof(printed), "%lld", (long long)value);
	else
		snprintf(printed, sizeof(printed), "%.17g", value);
	next = next_iteration(sender, name);
	if (!next)
		return "samples of too many metrics";
	if (strcmp(name, sender->metric) ||
	    line_room(&sender->line) < strlen(printed) + 3) {
		flush_samples(sender);
		line_begin(&sender->line, sender->port->sequence, "sample");
		line_addf(&sender->line,
			  "{\"row\":%u,\"metric\":\"%s\",\"first\":%llu,"
			  "\"values\":[%s", sender->row, name, *next, printed);
		strcpy(sender->metric, name);
	} else {
		line_addf(&sender->line, ",%s", printed);
	}
	++*next;
	return NULL;
}

/* "request dimm MIB". The host knows what it may be; here only its form counts. */
static bool request_pass_on(struct port *port, unsigned int row, const char *text)
{
	const char *space = strchr(text, ' ');
	char device[NAME_MAX_BYTES + 1], *end;
	struct line line;
	unsigned long size_mib;

	if (!space || !name_copy(text, (size_t)(space - text), "", device) ||
	    space[1] < '0' || space[1] > '9')
		return false;
	errno = 0;
	size_mib = strtoul(space + 1, &end, 10);
	if (*end || errno)
		return false;
	line_begin(&line, port->sequence, "request");
	line_addf(&line, "{\"row\":%u,\"device\":\"%s\",\"size_mib\":%lu}", row, device,
		  size_mib);
	port_send(port, &line);
	return true;
}

void records_pass_requests(struct records *records, struct port *port, unsigned int row)
{
	static const char word[] = "request ";
	char text[REQUEST_TEXT_MAX];

	while (records->length > sizeof(word) - 1 &&
	       !memcmp(records->data, word, sizeof(word) - 1)) {
		const char *newline = memchr(records->data, '\n', records->length);
		size_t length = newline ? (size_t)(newline - records->data) : 0;

		if (!newline || length >= sizeof(text) ||
		    memchr(records->data, '\0', length))
			return;
		memcpy(text, records->data, length);
		text[length] = '\0';
		if (!request_pass_on(port, row, text + sizeof(word) - 1))
			return;
		records->length -= length + 1;
		memmove(records->data, newline + 1, records->length);
	}
}

bool records_take_running(struct records *records)
{
	static const char record[] = "running\n";
	const size_t length = sizeof(record) - 1;

	if (records->length < length || memcmp(records->data, record, length))
		return false;
	records->length -= length;
	memmove(records->data, records->data + length, records->length);
	return true;
}

static void artifact_pass_on(struct sender *sender, const char *name,
			     const char *data, size_t length)
{
	size_t offset = 0;

	do {
		size_t part = length - offset;
		struct line *line = &sender->line;

		if (part > LINE_ARTIFACT_BYTES)
			part = LINE_ARTIFACT_BYTES;
		line_begin(line, sender->port->sequence, "artifact");
		line_addf(line, "{\"row\":%u,\"name\":\"%s\",\"offset\":%zu,"
			  "\"total\":%zu,\"data\":\"", sender->row, name, offset,
			  length);
		line_add_base64(line, data + offset, part);
		line_addf(line, "\"}");
		port_send(sender->port, line);
		offset += part;
	} while (offset < length);
}

/* "artifact NAME BYTES", then as many bytes. *next is moved behind them. */
static const char *artifact_read(struct sender *sender, const char *text,
				 const char **next, const char *end)
{
	const char *space = strchr(text, ' ');
	char name[NAME_MAX_BYTES + 1], *digits_end;
	unsigned long long length;

	flush_samples(sender);
	if (!space || !name_copy(text, (size_t)(space - text), ".-", name))
		return "an artifact without a name";
	length = strtoull(space + 1, &digits_end, 10);
	if (digits_end == space + 1 || *digits_end ||
	    length > (unsigned long long)(end - *next))
		return "an artifact cut short";
	artifact_pass_on(sender, name, *next, (size_t)length);
	*next += length;
	return NULL;
}

static const char *outcome_read(const char *text, struct row_outcome *ret)
{
	static const char *const outcomes[] = { "passed", "failed", "skipped",
						"broken" };
	size_t i, length;

	for (i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		length = strlen(outcomes[i]);
		if (strncmp(text, outcomes[i], length))
			continue;
		if (text[length] != ' ' && text[length])
			continue;
		ret->outcome = outcomes[i];
		snprintf(ret->reason, sizeof(ret->reason), "%s",
			 text[length] ? text + length + 1 : "");
		return NULL;
	}
	return "an unknown outcome";
}

static const char *record_read(struct sender *sender, const char *text,
			       const char **next, const char *end,
			       struct row_outcome *ret)
{
	if (ret->outcome)
		return "something after its outcome";
	if (!strncmp(text, "sample ", 7))
		return sample_pass_on(sender, text + 7);
	if (!strncmp(text, "artifact ", 9))
		return artifact_read(sender, text + 9, next, end);
	if (!strncmp(text, "outcome ", 8))
		return outcome_read(text + 8, ret);
	/* Those that could be passed on are no more here. */
	if (!strncmp(text, "request ", 8))
		return "a request that is none, or came after its results";
	return "an unknown record";
}

static const char *records_pass_on(const struct records *records,
				   struct sender *sender, struct row_outcome *ret)
{
	const char *next = records->data, *end = next + records->length;
	char text[1024];

	while (next < end) {
		const char *newline = memchr(next, '\n', (size_t)(end - next));
		const char *mistake;
		size_t length;

		if (!newline)
			return "a record cut short";
		length = (size_t)(newline - next);
		if (length >= sizeof(text) || memchr(next, '\0', length))
			return "a record that is no text";
		memcpy(text, next, length);
		text[length] = '\0';
		next = newline + 1;
		mistake = record_read(sender, text, &next, end, ret);
		if (mistake)
			return mistake;
	}
	return ret->outcome ? NULL : "no outcome";
}

void records_send(const struct records *records, struct port *port,
		  unsigned int row, struct row_outcome *ret_outcome)
{
	static struct sender sender; /* too large for a comfortable stack */
	const char *mistake;

	memset(&sender, 0, sizeof(sender));
	memset(ret_outcome, 0, sizeof(*ret_outcome));
	sender.port = port;
	sender.row = row;
	if (records->overflow)
		mistake = "more than it may";
	else
		mistake = records_pass_on(records, &sender, ret_outcome);
	flush_samples(&sender);
	if (mistake) {
		ret_outcome->outcome = "broken";
		snprintf(ret_outcome->reason, sizeof(ret_outcome->reason),
			 "the workload sent %s", mistake);
	}
}
