/* describe.c - a workload's declaration as JSON, and as help for people. */
#include <string.h>

#include "internal.h"

static void print_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void print_member(FILE *out, const char *key, const char *text)
{
	print_string(out, key);
	fputs(": ", out);
	print_string(out, text);
}

static void print_list(FILE *out, const char *key, const char *const *items)
{
	size_t i;

	print_string(out, key);
	fputs(": [", out);
	for (i = 0; items && items[i]; i++) {
		if (i)
			fputs(", ", out);
		print_string(out, items[i]);
	}
	fputs("]", out);
}

static void print_metric(FILE *out, const struct metric *metric)
{
	fputs("    {", out);
	print_member(out, "name", metric->name);
	fputs(", ", out);
	print_member(out, "unit", metric->unit);
	fputs(", ", out);
	print_member(out, "better", metric->better);
	fputs(", ", out);
	print_member(out, "kind", metric->kind);
	fprintf(out, ",\n     \"secondary\": %s, ",
		metric->secondary ? "true" : "false");
	print_member(out, "meaning", metric->meaning);
	fputs("}", out);
}

static void print_parameter(FILE *out, const struct parameter *parameter)
{
	fputs("    {", out);
	print_member(out, "name", parameter->name);
	fputs(", ", out);
	print_member(out, "meaning", parameter->meaning);
	fprintf(out, ",\n     \"is_number\": %s, \"minimum\": %lld, "
		"\"maximum\": %lld, ", parameter->choices ? "false" : "true",
		(long long)parameter->minimum, (long long)parameter->maximum);
	print_list(out, "choices", parameter->choices);
	fputs(", ", out);
	print_member(out, "default_value", parameter->default_value);
	fputs("}", out);
}

void workload_describe(const struct workload *declared, FILE *out)
{
	const struct metric *metric;
	const struct parameter *parameter;

	fputs("{\n  ", out);
	print_member(out, "name", declared->name);
	fputs(",\n  ", out);
	print_member(out, "purpose", declared->purpose);
	fputs(",\n  \"metrics\": [", out);
	for (metric = declared->metrics; metric->name; metric++) {
		fputs(metric == declared->metrics ? "\n" : ",\n", out);
		print_metric(out, metric);
	}
	fputs("\n  ],\n  \"parameters\": [", out);
	parameter = declared->parameters;
	for (; parameter && parameter->name; parameter++) {
		fputs(parameter == declared->parameters ? "\n" : ",\n", out);
		print_parameter(out, parameter);
	}
	fputs("\n  ],\n  ", out);
	print_list(out, "needs_options", declared->needs_options);
	fputs(",\n  ", out);
	print_list(out, "needs_devices", declared->needs_devices);
	fputs(",\n  ", out);
	print_list(out, "needs_tools", declared->needs_tools);
	fputs(",\n  ", out);
	print_list(out, "kernel_arguments", declared->kernel_arguments);
	fprintf(out, ",\n  \"needs_memory_mib\": %llu,\n  \"needs_vcpus\": %u,\n"
		"  \"counted\": %s",
		(unsigned long long)declared->needs_memory_mib,
		declared->needs_vcpus, declared->is_counted ? "true" : "false");
	if (declared->load) {
		fputs(",\n  ", out);
		print_list(out, "load_parameters", declared->load_parameters);
	}
	fputs("\n}\n", out);
}

static void print_range(FILE *out, const struct parameter *parameter)
{
	size_t i;

	if (!parameter->choices) {
		fprintf(out, "%lld..%lld", (long long)parameter->minimum,
			(long long)parameter->maximum);
		return;
	}
	for (i = 0; parameter->choices[i]; i++)
		fprintf(out, "%s%s", i ? "|" : "", parameter->choices[i]);
}

void workload_print_help(const struct workload *declared, FILE *out)
{
	const struct metric *metric;
	const struct parameter *parameter;

	fprintf(out, "%s - %s\n\nusage: %s [NAME=VALUE...] [--output=FD]\n"
		"       %s --describe | --help\n\nparameters\n", declared->name,
		declared->purpose, declared->name, declared->name);
	parameter = declared->parameters;
	for (; parameter && parameter->name; parameter++) {
		fprintf(out, "  %s=", parameter->name);
		print_range(out, parameter);
		fprintf(out, " (%s)\n      %s\n", parameter->default_value,
			parameter->meaning);
	}
	fputs("\nmetrics\n", out);
	for (metric = declared->metrics; metric->name; metric++)
		fprintf(out, "  %s [%s], %s is better\n      %s\n", metric->name,
			metric->unit, metric->better, metric->meaning);
}
