// Package ink draws: paths, typeset text and pictures on a page in points, as SVG, PDF or PNG.
//
// Page coordinates have their origin in the lower left corner. SVG and PNG go through gonum/plot's vgsvg and vgimg;
// text is filled as outlines there, so that a page looks the same where the font is not installed. PDF has its own
// thin backend over fpdf, because vgpdf stamps the time, knows only Western text and darkens transparent colours.
package ink
