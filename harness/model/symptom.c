/* symptom.c - see symptom.h. */
#include "symptom.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "strbuf.h"

void symptoms_release(struct symptoms *symptoms)
{
	for (size_t i = 0; i < symptoms->count; i++) {
		free(symptoms->items[i].kind);
		free(symptoms->items[i].title);
	}
	free(symptoms->items);
	*symptoms = SYMPTOMS_INIT;
}

static bool is_equal(const struct symptom *symptom, const char *kind, const char *title)
{
	return !strcmp(symptom->kind, kind) && !strcmp(symptom->title, title);
}

bool symptoms_contain(const struct symptoms *symptoms, const struct symptom *symptom)
{
	for (size_t i = 0; i < symptoms->count; i++)
		if (is_equal(&symptoms->items[i], symptom->kind, symptom->title))
			return true;
	return false;
}

bool symptoms_meet(const struct symptoms *a, const struct symptoms *b)
{
	for (size_t i = 0; i < a->count; i++)
		if (symptoms_contain(b, &a->items[i]))
			return true;
	return false;
}

void symptoms_add(struct symptoms *symptoms, const char *kind, const char *title)
{
	struct symptom *added;

	for (size_t i = 0; i < symptoms->count; i++)
		if (is_equal(&symptoms->items[i], kind, title))
			return;
	symptoms->items = memory_realloc_array(symptoms->items, symptoms->count + 1,
					       sizeof(*symptoms->items));
	added = &symptoms->items[symptoms->count++];
	added->kind = string_copy(kind);
	added->title = string_copy(title);
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The length of the number that text begins with ("12", "0x1f"), 0 if none. A
 * unit may follow it ("22s", "2048kB"). */
static size_t number_length(const char *text)
{
	if (text[0] == '0' && text[1] == 'x' && isxdigit((unsigned char)text[2]))
		return 2 + strspn(text + 2, "0123456789abcdefABCDEF");
	return strspn(text, "0123456789");
}

/* Numbers differ from seed to seed; those in names ("row2") do not. */
static char *reason_title(const char *reason)
{
	struct strbuf title = STRBUF_INIT;
	const char *at = reason;

	while (*at) {
		size_t length = at > reason && is_word(at[-1]) ? 0 : number_length(at);

		if (length) {
			strbuf_addc(&title, 'N');
			at += length;
			continue;
		}
		strbuf_addc(&title, isprint((unsigned char)*at) ? *at : ' ');
		at++;
	}
	return strbuf_detach(&title);
}

void symptoms_add_trial(struct symptoms *symptoms, enum outcome outcome,
			const char *reason, const struct finding *findings,
			size_t findings_count)
{
	cleanup_free char *title = NULL;
	bool is_dead = false;

	for (size_t i = 0; i < findings_count; i++) {
		symptoms_add(symptoms, finding_kind_name(findings[i].kind), findings[i].title);
		is_dead = is_dead || finding_kind_is_fatal(findings[i].kind);
	}
	if (outcome == OUTCOME_PASSED || outcome == OUTCOME_SKIPPED || is_dead)
		return;
	title = reason_title(reason ? reason : "no reason was given");
	symptoms_add(symptoms, outcome_name(outcome), title);
}
