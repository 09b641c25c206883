"""Portuguese words that say nothing about the subject: Snowball's list and the words questions are made of.

Folded (no accents, lower case), as the analyzer compares them.
"""

STOP_WORDS = frozenset(
    """
    a ao aos aquela aquelas aquele aqueles aquilo as ate com como da das de dela delas dele deles depois do
    dos e ela elas ele eles em entre era eram eramos essa essas esse esses esta estamos estao estas estava
    estavam estavamos este esteja estejam estejamos estes esteve estive estivemos estiver estivera estiveram
    estiveramos estiverem estivermos estivesse estivessem estivessemos estou eu foi fomos for fora foram
    foramos forem formos fosse fossem fossemos fui ha haja hajam hajamos hao havemos haver hei houve
    houvemos houver houvera houveram houveramos houverao houverei houverem houveremos houveria houveriam
    houveriamos houvermos houvesse houvessem houvessemos isso isto ja lhe lhes mais mas me mesmo meu meus
    minha minhas muito na nao nas nem no nos nossa nossas nosso nossos num numa o os ou para pela pelas pelo
    pelos por qual quando que quem sao se seja sejam sejamos sem ser sera serao serei seremos seria seriam
    seriamos seu seus so somos sou sua suas tambem te tem temos tenha tenham tenhamos tenho ter tera terao
    terei teremos teria teriam teriamos teu teus teve tinha tinham tinhamos tive tivemos tiver tivera
    tiveram tiveramos tiverem tivermos tivesse tivessem tivessemos tu tua tuas um uma voce voces vos aonde
    onde porque pra pro qualquer quais quanta quantas quanto quantos sobre
    """.split()
)
