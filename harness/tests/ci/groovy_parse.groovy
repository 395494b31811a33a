// groovy_parse.groovy FILE... - Groovy's own parser, without running or resolving anything.
import org.codehaus.groovy.control.*

args.each { name ->
	def unit = new CompilationUnit()
	unit.addSource(new File(name))
	unit.compile(Phases.CONVERSION)
}
