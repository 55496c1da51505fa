// Goal: counts are exact, quantiles are within the promised error, the text is what Prometheus
// reads. Method: random values against a sorted list; exact text.
#include "core/observe/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/observe/metrics_text.h"

namespace orrery {
namespace {

TEST(MetricsTest, AddedOnceAndStable) {
  Metrics metrics;
  Counter& frames = metrics.AddCounter("rpc_frames_sent", "frames", "frames written");
  for (int i = 0; i < 1000; ++i) {
    metrics.AddGauge("filler", "", "", {{"n", std::to_string(i)}}).Set(i);
  }
  frames.Add();
  frames.Add(41);
  EXPECT_EQ(&metrics.AddCounter("rpc_frames_sent", "frames", "frames written"), &frames);
  EXPECT_EQ(std::get<Counter>(metrics.Find("rpc_frames_sent")->value).value(), 42u);
  EXPECT_EQ(std::get<Gauge>(metrics.Find("filler", {{"n", "7"}})->value).value(), 7);
  EXPECT_EQ(metrics.Find("filler"), nullptr);
  EXPECT_EQ(metrics.List().size(), 1001u);
}

TEST(MetricsTest, LabelsDistinguishAndTheirOrderDoesNot) {
  Metrics metrics;
  Gauge& one = metrics.AddGauge("queue", "items", "", {{"lane", "a"}, {"peer", "x"}});
  EXPECT_EQ(&metrics.AddGauge("queue", "items", "", {{"peer", "x"}, {"lane", "a"}}), &one);
  EXPECT_NE(&metrics.AddGauge("queue", "items", "", {{"lane", "b"}, {"peer", "x"}}), &one);
  one.Add(5);
  one.Add(-7);
  EXPECT_EQ(one.value(), -2);
}

TEST(MetricsDeathTest, ProgramErrors) {
  Metrics metrics;
  metrics.AddCounter("calls", "calls", "", {{"method", "a"}});
  EXPECT_DEATH(metrics.AddGauge("calls", "calls", ""), "INVARIANT failed.*calls");
  EXPECT_DEATH(metrics.AddCounter("calls", "frames", ""), "INVARIANT failed.*calls");
  EXPECT_DEATH(metrics.AddCounter("Calls", "", ""), "INVARIANT failed.*Calls");
  EXPECT_DEATH(metrics.AddCounter("a", "", "", {{"b-c", "d"}}), "INVARIANT failed.*b-c");
}

TEST(HistogramTest, Empty) {
  const Histogram h;
  EXPECT_EQ(h.p50(), 0u);
  EXPECT_EQ(h.max(), 0u);
  EXPECT_EQ(h.count(), 0u);
}

TEST(HistogramTest, SmallValuesAreExact) {
  Histogram h;
  for (uint64_t v = 0; v < 256; ++v) h.Record(v);
  for (uint32_t n = 1; n <= 256; ++n) EXPECT_EQ(h.Quantile({n, 256}), n - 1);
  EXPECT_EQ(h.Quantile({0, 1}), 0u);
}

TEST(HistogramTest, Extremes) {
  Histogram h;
  h.Record(UINT64_MAX);
  h.Record(UINT64_MAX);
  h.Record(Duration(-5));
  EXPECT_EQ(h.max(), UINT64_MAX);
  EXPECT_EQ(h.p99(), UINT64_MAX);
  EXPECT_EQ(h.sum(), UINT64_MAX);  // Does not wrap.
  EXPECT_EQ(h.Quantile({1, 3}), 0u);
  Histogram other;
  other.Merge(h);
  other.Merge(h);
  EXPECT_EQ(other.sum(), UINT64_MAX);
  EXPECT_EQ(other.count(), 6u);
}

// The promise of the header, for every quantile asked: at least the true value, and less than
// 1/128 above it.
void ExpectClose(const Histogram& h, std::vector<uint64_t> values) {
  std::sort(values.begin(), values.end());
  for (const uint32_t per_10000 : {1u, 100u, 2500u, 5000u, 9000u, 9900u, 9990u, 10000u}) {
    const size_t rank = std::max<size_t>(1, (values.size() * per_10000 + 9999) / 10000);
    const uint64_t exact = values[rank - 1];
    const uint64_t got = h.Quantile({per_10000, 10000});
    EXPECT_GE(got, exact) << per_10000;
    EXPECT_LE(got - exact, exact / 128) << per_10000;
  }
  EXPECT_EQ(h.max(), values.back());
  EXPECT_EQ(h.count(), values.size());
}

TEST(HistogramTest, QuantilesAreWithinTheError) {
  const auto seed = static_cast<uint64_t>(testing::UnitTest::GetInstance()->random_seed());
  SCOPED_TRACE(seed);
  Random random(seed);
  for (int round = 0; round < 50; ++round) {
    Histogram whole;
    Histogram parts[2];
    std::vector<uint64_t> values;
    const uint64_t bits_max = 1 + random.Below(64);
    uint64_t sum = 0;
    for (uint64_t n = 1 + random.Below(3000); n > 0; --n) {
      const uint64_t value = random.Next() >> (64 - (1 + random.Below(bits_max)));
      values.push_back(value);
      whole.Record(value);
      parts[n % 2].Record(value);
      sum = sum > UINT64_MAX - value ? UINT64_MAX : sum + value;
    }
    EXPECT_EQ(whole.sum(), sum);
    ExpectClose(whole, values);
    parts[0].Merge(parts[1]);
    ExpectClose(parts[0], values);
  }
}

TEST(MetricsTextTest, ExactText) {
  Metrics metrics;
  metrics.AddGauge("queue_bytes", "bytes", "queued\nnow \\").Set(-3);
  metrics.AddCounter("calls", "", "calls made", {{"method", "b\"\\\n"}}).Add(2);
  metrics.AddCounter("calls", "", "calls made", {{"method", "a"}}).Add(1);
  Histogram& wait = metrics.AddHistogram("wait_ns", "ns", "time", {{"lane", "x"}});
  for (uint64_t v = 1; v <= 100; ++v) wait.Record(v);
  wait.Record(Seconds(1));
  EXPECT_EQ(MetricsText(metrics, {{"process", "p1"}}),
            R"(# HELP calls calls made
# TYPE calls counter
calls{process="p1",method="a"} 1
calls{process="p1",method="b\"\\\n"} 2
# HELP queue_bytes queued\nnow \\ (bytes)
# TYPE queue_bytes gauge
queue_bytes{process="p1"} -3
# HELP wait_ns time (ns)
# TYPE wait_ns summary
wait_ns{process="p1",lane="x",quantile="0.5"} 51
wait_ns{process="p1",lane="x",quantile="0.9"} 91
wait_ns{process="p1",lane="x",quantile="0.99"} 100
wait_ns{process="p1",lane="x",quantile="0.999"} 1000000000
wait_ns_sum{process="p1",lane="x"} 1000005050
wait_ns_count{process="p1",lane="x"} 101
# HELP wait_ns_max time (ns)
# TYPE wait_ns_max gauge
wait_ns_max{process="p1",lane="x"} 1000000000
)");
  Metrics plain;
  plain.AddCounter("a", "", "b");
  EXPECT_EQ(MetricsText(plain), "# HELP a b\n# TYPE a counter\na 0\n");
}

}  // namespace
}  // namespace orrery
