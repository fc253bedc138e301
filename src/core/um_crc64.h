/*
 * um_crc64.h -- CRC-64 of the Jones polynomial, reflected, initial 0: what
 * Redis uses for dumps and the reference for node ids (dataplane.md 2.3).
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CRC64_H
#define UM_CRC64_H

#include "core/um_base.h"

uint64_t um_crc64(um_str_t s);

#endif /* UM_CRC64_H */
