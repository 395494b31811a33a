/* campaign_project.h - a small project with one of everything that a campaign can name,
 * and campaigns in it that are as they should be or are refused. Each call makes a
 * project of its own, which the test's temporary folder holds.
 */
#ifndef KERNGATE_TESTS_CAMPAIGN_PROJECT_H
#define KERNGATE_TESTS_CAMPAIGN_PROJECT_H

#include <stdbool.h>

#include "campaign.h"

/* The least there is, and its parts. In the project: see campaign_project.c. */
#define KERNEL "kernel: {base: linux, fragments: [base]}"
#define VARIANTS "variants:\n  - {name: a, " KERNEL "}\n  - {name: b, " KERNEL "}\n"
#define CELLS "cells:\n  - {guest: up, suite: boot}\n"
#define MINIMAL VARIANTS "baseline: a\n" CELLS /* 6 lines */
#define EXACT MINIMAL "mode: exact\n" /* 7 lines */

#define cleanup_campaign cleanup_with(campaign_release)

/* The root of a new project; borrowed, for the program's life. */
const char *campaign_project(void);
/* A file below it, and whether that worked. */
bool campaign_project_write(const char *root, const char *name, const char *text);

/* The campaign "c" of such a project loads; a failure of the test otherwise. */
bool campaign_load_good(const char *text, struct campaign *ret_campaign);
/* It is refused with a message that begins with its file (or that file and code), a
 * colon and this. */
void campaign_refuse(const char *text, const char *message);
void campaign_refuse_as(int code, const char *file, const char *text, const char *message);

#endif
