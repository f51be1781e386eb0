/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GOBPFTRACE_VERSION_H
#define GOBPFTRACE_VERSION_H

#define GOBPFTRACE_VERSION "0.1.0"

#endif
