/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>

#include "cli/cli.h"

int exit_status__of(int err)
{
	switch (-err) {
	case 0:
		return EXIT_OK;
	case EOPNOTSUPP:
	case EPERM:
	case EACCES:
	case ENOSYS:
		return EXIT_UNSUPPORTED;
	default:
		return EXIT_FAILED;
	}
}
