// Package wcag holds a page that stands in a browser to what people need who see, hear or move otherwise, and to fitting its window.
//
// It promises: the rules are those of WCAG 2.2 AA as axe-core finds them, which is fetched once at a version of its own; and that what it
// says against a page names the element. It knows nothing of any page.
package wcag
