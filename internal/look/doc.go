// Package look is what Minqing looks like: the design tokens, the small CSS of the parts and the icons, shared by the field app
// and the consoles, and the way assets reach a browser.
//
// It promises:
//
//   - One list of colours. tokens.css declares each light value first and the dark one by light-dark() inside @supports: WebViews
//     before 123 lack it and stay light. The phone's file has no @layer, whose blocks WebViews before 99 drop whole.
//   - Sizes of text and targets are in rem, gaps in px: 大字版 is one class on the root.
//   - Icons are inline SVG on a 24 grid, drawn by hand, stroked, never filled; a name that does not exist fails when a page is first
//     rendered, not in front of a user: tests render every page.
//   - An Asset is concatenated, minified and hashed once at start, held gzip-compressed, and served under a name that changes with
//     its content, so that browsers keep it for ever. There is no node build.
package look
