"""Measure how the readers' pages of the sample appear on a slow device: python -m bench.first_paint

Chromium emulates a phone as Lighthouse does: 1.6 Mbit/s, 150 ms for a round trip, a processor four times
slower. The same is measured on a wider screen, where lines of text break elsewhere. Each page is opened in a
new context, so nothing is in its cache. The server, which answers from its page cache, and the browser share
the machine.
"""

import time
from collections.abc import Iterator
from itertools import islice, product
from statistics import median
from typing import Any

from bench.runner import Goal, Run, rows, run
from bench.servers import chromium

# "fonts": milliseconds after the load event, in which fonts may still arrive
SIZES = {"rounds": 5, "fonts": 1_000, "pages": 6}  # each of PAGES on each of SCREENS
SMALLEST = {"rounds": 1, "fonts": 100, "pages": 1}
PAGES = {
    "front page": "/",
    "story of this week": "/stories/lamp-14/",
    "archived story": "/stories/harbour-clock-to-stay-eleven-minutes-slow-council-decides/",
}
SCREENS = {"": {"width": 390, "height": 844}, ", 768 px": {"width": 768, "height": 1024}}
NETWORK = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 200_000,
    "uploadThroughput": 93_750,
}  # ms, bytes/s
SLOWER = 4  # times
IMAGE_SECONDS = 300  # for the jobs that make the sizes of images
OBSERVE = """
window.paint = 0; window.shifts = 0;
new PerformanceObserver((list) => { for (const { startTime } of list.getEntries()) paint = startTime; })
  .observe({ type: "largest-contentful-paint", buffered: true });
new PerformanceObserver((list) => { for (const { value } of list.getEntries()) shifts += value; })
  .observe({ type: "layout-shift", buffered: true });"""
FIGURES = """() => {
  const sizes = (end) => performance.getEntriesByType("resource")
    .filter(({ name }) => end.test(name)).reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
  const page = performance.getEntriesByType("navigation")[0];
  return {
    paint, shifts, first: performance.getEntriesByName("first-contentful-paint")[0].startTime,
    html: page.encodedBodySize, code: sizes(/\\.(css|js)$/), fonts: sizes(/\\.woff2$/),
  };
}"""


def measure(bench: Run) -> Iterator[str | Goal]:
    """Open each page several times, and yield the medians."""
    _wait_for_image_sizes()
    found: dict[str, dict[str, float]] = {}
    with chromium() as browser:
        pages = islice(product(PAGES.items(), SCREENS.items()), bench.sizes.pages)
        for (page, path), (suffix, screen) in pages:
            name = page + suffix
            target = bench.site.target(name, path)
            target.fetch()  # fills the server's page cache
            figures = [
                _open(browser, target.url, screen, bench.sizes.fonts) for _ in range(bench.sizes.rounds)
            ]
            found[name] = {key: median(figure[key] for figure in figures) for key in figures[0]}
    head = "page | first paint, ms | largest paint, ms | layout shift | HTML, kB | CSS and JS, kB | fonts, kB"
    yield from rows(head, (_row(name, each) for name, each in found.items()))
    for name, each in found.items():
        yield Goal(f"{name}: largest paint", each["paint"] / 1000, most=1.2, unit="s")
        yield Goal(f"{name}: layout shift", each["shifts"], most=0.02, unit="")
        yield Goal(f"{name}: CSS and JS", each["code"] / 1000, most=40, unit="kB")


def _wait_for_image_sizes() -> None:
    """Wait for the jobs that make the sizes of the sample's images. Until then pages show the whole files."""
    from articles.models.images import Image

    deadline = time.monotonic() + IMAGE_SECONDS
    while without := list(Image.objects.filter(sizes={}).values_list("pk", flat=True)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no sizes of the images {without} within {IMAGE_SECONDS} s")
        time.sleep(0.5)


def _row(name: str, found: dict[str, float]) -> str:
    sizes = " | ".join(f"{found[key] / 1000:.1f}" for key in ("html", "code", "fonts"))
    return f"{name} | {found['first']:,.0f} | {found['paint']:,.0f} | {found['shifts']:.3f} | {sizes}"


def _open(browser: Any, url: str, screen: dict[str, int], fonts: int) -> dict[str, float]:
    """Return the figures of one visit with an empty cache."""
    context = browser.new_context(viewport=screen, device_scale_factor=2, is_mobile=True, has_touch=True)
    context.set_default_timeout(120_000)  # milliseconds, long because the machine may be busy
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", NETWORK)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.add_init_script(OBSERVE)
    page.goto(url, wait_until="load")
    page.wait_for_timeout(fonts)
    found: dict[str, float] = page.evaluate(FIGURES)
    context.close()
    return found


if __name__ == "__main__":
    run("first_paint", measure, __doc__, sizes=SIZES, smallest=SMALLEST)
