// The calls that a storage server answers.
#pragma once

#include "core/rpc/method.h"
#include "storage/server/storage.pb.h"

namespace orrery {

inline constexpr Method<GetValueRequest, GetValueReply> kGetValue{120, "get_value"};
inline constexpr Method<GetValuesRequest, GetValuesReply> kGetValues{121, "get_values"};
inline constexpr Method<GetRangeRequest, GetRangeReply> kGetRange{122, "get_range"};
inline constexpr Method<GetKeyRequest, GetKeyReply> kGetKey{123, "get_key"};
inline constexpr Method<EstimateRangeRequest, EstimateRangeReply> kEstimateRange{124,
                                                                                 "estimate_range"};
inline constexpr Method<StorageStatusRequest, StorageStatusReply> kStorageStatus{125,
                                                                                 "storage_status"};

}  // namespace orrery
