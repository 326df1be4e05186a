#include "bench/growth/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "bench/growth/scale.h"
#include "bench/growth/units.h"

namespace acre::bench {
namespace {

constexpr double kLetterWidth = 6.6;  // of the 12 px labels, about
constexpr double kLabelRow = 17;
constexpr std::size_t kBandColours = 5;  // b0 to b4 of the page's style

struct Series {
  const char* css_class;
  std::uint64_t Sample::*value;
};

// In drawing order: what matters most is on top.
constexpr Series kLines[] = {{"mapped", &Sample::mapped},
                             {"inuse", &Sample::in_use},
                             {"live", &Sample::live},
                             {"resident", &Sample::resident}};

struct Label {
  std::string text;
  double left;    // where it starts
  double anchor;  // the middle of its band
  int row;        // from the bottom, above the plot
  bool beside;    // the leader, not above it
};

class Chart {
 public:
  Chart(const WorkloadResult& result, const ChartShape& shape) : result_(result), shape_(shape) {
    double largest = 0;
    for (const Sample& s : result.samples) {
      largest = std::max({largest, static_cast<double>(s.mapped), static_cast<double>(s.resident),
                          static_cast<double>(s.live), static_cast<double>(s.in_use)});
    }
    reserved_ = result.phases.empty() ? 0 : static_cast<double>(result.phases.front().reserved);
    reserved_fits_ = reserved_ > 0 && reserved_ <= 2 * largest;
    if (reserved_fits_) largest = std::max(largest, reserved_);
    bytes_ = byte_axis(largest * 1.02, shape.height > 350 ? 6 : 5);
    time_ = time_axis(result.samples.back().seconds, shape.width > 600 ? 10 : 5);
    right_ = shape.width - 14;
    bottom_ = shape.height - 46;
    place_labels();
    top_ = 12 + kLabelRow * rows_ + (reserved_ > 0 ? kLabelRow : 0);
  }

  std::string draw() {
    out_ = fmt::format(
        "<svg class=\"chart {}\" viewBox=\"0 0 {:.0f} {:.0f}\" tabindex=\"0\" role=\"img\" "
        "aria-label=\"memory of workload {} over time\" data-left=\"{:.1f}\" data-right=\"{:.1f}\" "
        "data-top=\"{:.1f}\" data-bottom=\"{:.1f}\" data-seconds=\"{:.5f}\" "
        "data-bytes=\"{:.0f}\">\n",
        shape_.css_class, shape_.width, shape_.height, result_.name, left_, right_, top_, bottom_,
        time_.top, bytes_.top);
    draw_bands();
    draw_axes();
    draw_area();
    for (const Series& series : kLines) draw_line(series);
    draw_collections();
    draw_reserved();
    out_ += "<g class=\"cursor\" visibility=\"hidden\"><line/>";
    for (const Series& series : kLines)
      out_ += fmt::format("<circle class=\"{}\" r=\"3.5\"/>", series.css_class);
    out_ += "</g>\n</svg>\n";
    return std::move(out_);
  }

 private:
  double x(double seconds) const { return left_ + (right_ - left_) * seconds / time_.top; }
  double y(double bytes) const { return bottom_ - (bottom_ - top_) * bytes / bytes_.top; }

  // A name that is wider than its band ends at the band's leader, so that the leaders of later phases pass
  // to its right; each goes to the lowest row where it does not meet the one before.
  void place_labels() {
    std::vector<double> row_ends;
    for (const PhaseFigures& phase : result_.phases) {
      const double width = kLetterWidth * static_cast<double>(phase.name.size());
      const double anchor = (x(phase.start) + x(phase.start + phase.seconds)) / 2;
      const double band = x(phase.start + phase.seconds) - x(phase.start);
      const double wanted = band < width + 6 ? anchor - 4 - width : anchor - width / 2;
      const double left = std::clamp(wanted, left_, right_ - width);
      std::size_t row = 0;
      while (row < row_ends.size() && left < row_ends[row] + 8) ++row;
      if (row == row_ends.size()) row_ends.push_back(0);
      row_ends[row] = left + width;
      labels_.push_back({phase.name, left, anchor, static_cast<int>(row), band < width + 6});
    }
    rows_ = static_cast<double>(row_ends.size());
  }

  void draw_bands() {
    for (std::size_t i = 0; i < result_.phases.size(); ++i) {
      const PhaseFigures& phase = result_.phases[i];
      const Label& label = labels_[i];
      const double width = std::max(1.0, x(phase.start + phase.seconds) - x(phase.start));
      const double baseline = top_ - 6 - kLabelRow * label.row - (reserved_ > 0 ? kLabelRow : 0);
      out_ += fmt::format(
          "<rect class=\"band b{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>"
          "<line class=\"leader\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
          "<text class=\"phase\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
          i % kBandColours, x(phase.start), top_, width, bottom_ - top_, label.anchor, label.anchor,
          label.beside ? baseline - 9 : baseline + 4, top_, label.left, baseline, label.text);
    }
  }

  void draw_axes() {
    for (const Mark& mark : bytes_.marks) {
      out_ += fmt::format(
          "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
          "<text class=\"tick end\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
          left_, right_, y(mark.value), y(mark.value), left_ - 8, y(mark.value) + 4, mark.label);
    }
    for (const Mark& mark : time_.marks) {
      out_ += fmt::format("<text class=\"tick middle\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
                          x(mark.value), bottom_ + 22, mark.label);
    }
    out_ += fmt::format(
        "<text class=\"title middle\" x=\"{:.1f}\" y=\"{:.1f}\">time since the heap was "
        "made</text>\n",
        (left_ + right_) / 2, shape_.height - 7);
  }

  // Points that would fall on the one before are left out.
  std::string points(std::uint64_t Sample::*value) const {
    std::string path;
    double last_x = -10;
    double last_y = -10;
    for (const Sample& sample : result_.samples) {
      const double px = x(sample.seconds);
      const double py = y(static_cast<double>(sample.*value));
      const bool last = &sample == &result_.samples.back();
      if (!last && std::fabs(px - last_x) < 0.5 && std::fabs(py - last_y) < 0.5) continue;
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", px, py);
      last_x = px;
      last_y = py;
    }
    return path;
  }

  void draw_line(const Series& series) {
    out_ +=
        fmt::format("<path class=\"line {}\" d=\"{}\"/>\n", series.css_class, points(series.value));
  }

  void draw_area() {
    out_ += fmt::format("<path class=\"area live\" d=\"{}L{:.1f} {:.1f}L{:.1f} {:.1f}Z\"/>\n",
                        points(&Sample::live), x(result_.samples.back().seconds), bottom_,
                        x(result_.samples.front().seconds), bottom_);
  }

  void draw_collections() {
    std::string path;
    std::uint64_t seen = 0;
    double last_x = -10;
    for (const Sample& sample : result_.samples) {
      const double px = x(sample.seconds);
      if (sample.collections == seen || px - last_x < 1) continue;
      seen = sample.collections;
      last_x = px;
      path += fmt::format("M{:.1f} {:.1f}v7", px, bottom_);
    }
    if (!path.empty()) out_ += fmt::format("<path class=\"collection\" d=\"{}\"/>\n", path);
  }

  // 512 GiB beside 2 would press everything else flat: it is a line above the plot, and a number.
  void draw_reserved() {
    if (reserved_ <= 0) return;
    const double at = reserved_fits_ ? y(reserved_) : top_ - kLabelRow + 8;
    const std::string text = fmt::format("reserved {}{}", long_bytes(reserved_),
                                         reserved_fits_       ? ""
                                         : shape_.width > 600 ? ", far above this scale"
                                                              : ", off scale");
    out_ += fmt::format(
        "<line class=\"reserved\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
        "<text class=\"reserved\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
        left_, right_, at, at, left_ + 6, at + (reserved_fits_ ? -5 : 4), text);
  }

  const WorkloadResult& result_;
  const ChartShape shape_;
  Axis bytes_;
  Axis time_;
  double reserved_ = 0;
  bool reserved_fits_ = false;
  double left_ = 70;
  double right_ = 0;
  double top_ = 0;
  double bottom_ = 0;
  double rows_ = 0;
  std::vector<Label> labels_;
  std::string out_;
};

}  // namespace

std::string draw_chart(const WorkloadResult& result, const ChartShape& shape) {
  if (result.samples.size() < 2) return "";
  return Chart(result, shape).draw();
}

}  // namespace acre::bench
