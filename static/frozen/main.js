// What every page of the frozen site runs.

import "../site/site.js";
import "./papers.js";
import "./schedule.js";
import "../demos/kinds/generate.js";
import "./replay.js";
