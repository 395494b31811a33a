/* parameters.c - "name=value" arguments against the declared ranges. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define PARAMETERS_MAX 32

static struct {
	const struct parameter *declared;
	const char *value;         /* borrowed from argv or the declaration */
	bool given;
} values[PARAMETERS_MAX];
static size_t values_count;

static bool number_parse(const char *text, int64_t *ret_number)
{
	char *end;

	if (!(*text >= '0' && *text <= '9') && *text != '-')
		return false;
	errno = 0;
	*ret_number = strtoll(text, &end, 10);
	return !errno && end != text && !*end;
}

static bool value_is_allowed(const struct parameter *parameter, const char *value)
{
	int64_t number;
	size_t i;

	if (!parameter->choices)
		return number_parse(value, &number) &&
		       number >= parameter->minimum && number <= parameter->maximum;
	for (i = 0; parameter->choices[i]; i++)
		if (!strcmp(parameter->choices[i], value))
			return true;
	return false;
}

static void say_expected(const struct parameter *parameter, const char *value,
			 char *message, size_t size)
{
	size_t i, n;

	if (!parameter->choices) {
		snprintf(message, size, "parameter %s: %s, expected %lld..%lld",
			 parameter->name, value, (long long)parameter->minimum,
			 (long long)parameter->maximum);
		return;
	}
	n = (size_t)snprintf(message, size, "parameter %s: %s, expected one of",
			     parameter->name, value);
	for (i = 0; parameter->choices[i] && n < size; i++)
		n += (size_t)snprintf(message + n, size - n, " %s",
				      parameter->choices[i]);
}

static bool argument_read(char *argument, char *message, size_t size)
{
	char *equals = strchr(argument, '=');
	size_t i;

	if (!equals) {
		snprintf(message, size, "argument %s: expected NAME=VALUE", argument);
		return false;
	}
	*equals = '\0';
	for (i = 0; i < values_count; i++)
		if (!strcmp(values[i].declared->name, argument))
			break;
	if (i == values_count) {
		snprintf(message, size, "parameter %s: unknown", argument);
		return false;
	}
	if (values[i].given) {
		snprintf(message, size, "parameter %s: given twice", argument);
		return false;
	}
	if (!value_is_allowed(values[i].declared, equals + 1)) {
		say_expected(values[i].declared, equals + 1, message, size);
		return false;
	}
	values[i].value = equals + 1;
	values[i].given = true;
	return true;
}

bool parameters_read(const struct workload *declared, int count, char **arguments,
		     char *message, size_t message_size)
{
	const struct parameter *parameter = declared->parameters;
	int i;

	for (; parameter && parameter->name; parameter++) {
		if (values_count == PARAMETERS_MAX) {
			snprintf(message, message_size,
				 "more than %d parameters declared", PARAMETERS_MAX);
			return false;
		}
		values[values_count].declared = parameter;
		values[values_count].value = parameter->default_value;
		values_count++;
	}
	for (i = 0; i < count; i++)
		if (!argument_read(arguments[i], message, message_size))
			return false;
	return true;
}

bool parameters_has(const char *name)
{
	size_t i;

	for (i = 0; i < values_count; i++)
		if (!strcmp(values[i].declared->name, name))
			return true;
	return false;
}

const char *parameter_word(const char *name)
{
	size_t i;

	for (i = 0; i < values_count; i++)
		if (!strcmp(values[i].declared->name, name))
			return values[i].value;
	workload_broken("parameter %s is not declared", name);
}

int64_t parameter_number(const char *name)
{
	const char *text = parameter_word(name);
	int64_t number;

	if (!number_parse(text, &number))
		workload_broken("parameter %s: %s is no number", name, text);
	return number;
}
